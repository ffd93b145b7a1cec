import Testing

@testable import PluginKit

/// What PluginKit says in Swift is what the contract says in C.
@Suite struct ContractValueTests {
  @Test func everyCaseStandsForAValueOfItsOwn() {
    expectOneToOne(MergeSpace.self, CLUES_SPACE_FACTORS, unknown: clues_space(1 << 20))
    expectOneToOne(MergePart.self, CLUES_PART_B, unknown: clues_part(77))
    expectOneToOne(SampleSplit.self, CLUES_SPLIT_ANCHOR, unknown: clues_split(77))
    expectOneToOne(Needs.Checkpoints.self, CLUES_CHECKPOINTS_LAST, unknown: clues_checkpoint_choice(77))
    expectOneToOne(Host.LogLevel.self, CLUES_LOG_WARNING, unknown: clues_log_level(77))
    expectOneToOne(PluginError.Status.self, CLUES_INTERNAL, unknown: CLUES_OK)
  }

  /// - parameter last: The last value that the contract has, whose case is the last one too.
  private func expectOneToOne<Value: CCounterpart>(
    _ type: Value.Type, _ last: Value.CValue, unknown: Value.CValue
  ) where Value.CValue: Hashable, Value: Equatable {
    let values = Value.allCases.map(\.cValue)
    #expect(Set(values).count == values.count, "\(type)")
    #expect(values.last == last, "\(type)")
    #expect(values.map { Value($0) } == Value.allCases.map { $0 }, "\(type)")
    #expect(Value(unknown) == nil, "\(type)")
  }

  @Test func parametersArriveAsTheyWereSent() {
    func sent(_ type: clues_parameter_type, _ fill: (inout clues_parameter) -> Void = { _ in }) -> SentValue? {
      var parameter = clues_parameter()
      parameter.struct_size = CLUES_PARAMETER_SIZE
      parameter.type = type
      fill(&parameter)
      return SentValue(parameter)
    }
    #expect(sent(CLUES_PARAMETER_NUMBER) { $0.number = 0.25 } == .number(0.25))
    let whole = sent(CLUES_PARAMETER_INTEGER) { ($0.integer, $0.number) = (-3, -3) }
    #expect(whole == .integer(-3))
    #expect(whole.flatMap { Double($0) } == -3)
    #expect(whole.flatMap { Bool($0) } == nil)
    #expect(sent(CLUES_PARAMETER_BOOLEAN) { $0.integer = 1 } == .boolean(true))
    "text".withCString { text in
      #expect(sent(CLUES_PARAMETER_TEXT) { $0.text = text } == .text("text"))
    }
    #expect(sent(CLUES_PARAMETER_TEXT) == nil)
    [1.5, 2.5].withUnsafeBufferPointer { numbers in
      #expect(
        sent(CLUES_PARAMETER_NUMBERS) { ($0.numbers, $0.count) = (numbers.baseAddress, 2) } == .numbers([1.5, 2.5]))
    }
    #expect(sent(clues_parameter_type(77)) == nil)
  }

  /// A scorer that looks at no split is shielded from unknown ones all the same.
  @Test func aCheckpointWithAnUnknownSplitIsRefused() {
    let table = scorerTable(Constant.self)
    var host = clues_host()
    host.struct_size = CLUES_HOST_SIZE
    host.set_error = { _, text in
      #expect(text.map { String(cString: $0) } == "split 77 is not known here")
    }
    var instance: UnsafeMutableRawPointer?
    withUnsafePointer(to: host) { host in
      #expect(table.pointee.create(table, host, nil, &instance) == CLUES_OK)
      var checkpoint = clues_checkpoint()
      checkpoint.struct_size = CLUES_CHECKPOINT_SIZE
      checkpoint.sample_count = 2
      let name = permanent("client")
      let ids = permanent(["a", "b"].map { permanent($0) })
      checkpoint.client = name
      checkpoint.ids = ids
      for (splits, status) in [([0, 1] as [UInt32], CLUES_OK), ([0, 77], CLUES_UNSUPPORTED)] {
        splits.withUnsafeBufferPointer { splits in
          checkpoint.splits = splits.baseAddress
          #expect(table.pointee.begin_checkpoint(instance, &checkpoint) == status)
        }
      }
      table.pointee.destroy(instance)
    }
  }

  private struct Constant: Scorer {
    static let id = "constant"
    static let summary = "The same for every sample."
    let needs = [Needs(columns: ["loss"])]
    private var count = 0

    mutating func begin(_ checkpoint: Checkpoint) { count = checkpoint.sampleCount }

    func scores() -> [Score] { (0..<count).map { _ in .value(1) } }
  }
}
