import CluesPluginABI
import Diagnostics
import Glibc
import Testing

@testable import PluginHost

/// What is put into memory is what the plugin finds there, also at another address.
@Suite struct ContractMemoryTests {
  /// Lends to `body` each kind of memory that hosts have, where structs can be read through their addresses.
  private func withMemories(_ body: (any ContractMemory) throws -> Void) throws {
    let arena = Arena()
    try withExtendedLifetime(arena) { try body(arena) }
    let region = try SharedRegion(size: 1 << 16, for: .input)
    // The second mapping stands for that of a worker.
    let seen = try SharedRegion(received: dup(region.file), for: .input)
    try withExtendedLifetime(seen) {
      let memory = try #require(SharedMemory(region, at: UInt64(UInt(bitPattern: seen.start))))
      try body(memory)
      #expect(memory.size <= memory.capacity)
    }
  }

  private func strings(_ list: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int) -> [String] {
    (0..<count).map { String(cString: list![$0]!) }
  }

  private let floats: [Float] = (0..<12).map { Float($0) / 2 }

  @Test func units() throws {
    try floats.withUnsafeBufferPointer { floats in
      let survey = Survey(recordSize: 8, passes: 2)
      survey.withRecord(of: 1) { $0.start.storeBytes(of: 7, as: UInt64.self) }
      let unit = MergeUnit(
        module: "m", space: .factors, part: .b, rows: 2, columns: 3,
        inputs: [
          .init(client: "a", index: 2, weight: -0.5, stream: .max, values: floats.baseAddress),
          .init(client: "ü", index: 0, weight: 1, stream: 1),
        ],
        innerProducts: [1, 2, 3, 4], survey: survey)
      try withMemories { memory in
        let table = unit.lent(in: memory).pointee
        #expect(table.struct_size == CLUES_MERGE_UNIT_SIZE && String(cString: table.module) == "m")
        #expect(table.space == CLUES_SPACE_FACTORS && table.part == CLUES_PART_B && table.input_count == 2)
        #expect((0..<4).map { table.inner_products[$0] } == [1, 2, 3, 4] && table.adapter_inner_products == nil)
        #expect(table.survey_size == 8 && table.survey.load(fromByteOffset: 8, as: UInt64.self) == 7)
        let inputs = (0..<2).map { table.inputs[$0]!.pointee }
        #expect(inputs.map { String(cString: $0.client) } == ["a", "ü"] && inputs.map(\.index) == [2, 0])
        #expect(inputs.map(\.weight) == [-0.5, 1] && inputs.map(\.stream) == [.max, 1])
        let value = try #require(inputs[0].value).pointee
        #expect([value.shape[0], value.shape[1], value.strides[0], value.strides[1]] == [2, 3, 3, 1])
        #expect(value.flags == CLUES_TENSOR_CONTIGUOUS.rawValue && inputs[1].value == nil)
        #expect((0..<6).map { value.data.load(fromByteOffset: $0 * 4, as: Float.self) } == Array(floats.prefix(6)))
      }
    }
  }

  @Test func checkpoints() throws {
    var checkpoint = ScoringCheckpoint(
      alternative: 1, client: "c", step: 40, index: 3, count: 4, splits: [.train, .anchor], ids: ["x", ""])
    checkpoint.domains = ["a", "b", "c"]
    checkpoint.ownDomain = 1
    checkpoint.learningRate = 0.25
    checkpoint.validationNorms = [[1, 2], []]
    checkpoint.columns = [("loss", [1, .infinity])]
    try withMemories { memory in
      let table = checkpoint.lent(in: memory).pointee
      #expect([table.alternative, table.index, table.count, table.own_domain] == [1, 3, 4, 1] && table.step == 40)
      #expect(table.learning_rate == 0.25 && table.beta1.isNaN && strings(table.ids, 2) == ["x", ""])
      #expect([table.splits[0], table.splits[1]] == [CLUES_SPLIT_TRAIN.rawValue, CLUES_SPLIT_ANCHOR.rawValue])
      #expect(strings(table.domains, Int(table.domain_count)) == ["a", "b", "c"])
      #expect((0..<3).map { table.validation_counts[$0] } == [2, 0, 0])
      #expect([table.validation_norms[0]![0], table.validation_norms[0]![1]] == [1, 2])
      let column = table.columns[0]!.pointee
      #expect(String(cString: column.name) == "loss" && [column.values[0], column.values[1]] == [1, .infinity])
    }
    checkpoint.ownDomain = nil
    try withMemories { #expect(checkpoint.lent(in: $0).pointee.own_domain == .max) }
  }

  @Test func gradients() throws {
    try floats.withUnsafeBufferPointer { floats in
      var tensor = ScoringTensor(name: "t", index: 1, elementCount: 4)
      tensor.secondMoment = floats.baseAddress
      tensor.validationMeans = [nil, floats.baseAddress]
      tensor.validationSamples = [.init(count: 3, values: floats.baseAddress), .init(count: 0, values: nil)]
      let rows = ScoringRows(pass: 1, firstSample: 7, count: 3, elementCount: 4, values: floats.baseAddress!)
      try withMemories { memory in
        let table = tensor.lent(in: memory).pointee
        #expect(table.first_moment == nil && table.second_moment[3] == 1.5 && table.element_count == 4)
        #expect(table.validation_means[0] == nil && table.validation_means[1]![3] == 1.5)
        #expect(table.validation_samples[0]![11] == 5.5 && table.validation_samples[1] == nil)
        let shown = rows.lent(in: memory).pointee
        #expect(shown.pass == 1 && shown.first_sample == 7 && shown.row_count == 3 && shown.values[11] == 5.5)
      }
    }
  }

  @Test func parameters() throws {
    let values: [RawParameter] = [
      .init("b", .integer(-3)), .init("a", .number(0.5), isDefault: true), .init("c", .boolean(true)),
      .init("d", .text("")), .init("e", .numbers([1, 2])),
    ]
    try withMemories { memory in
      let table = values.lent(in: memory).pointee
      let items = (0..<Int(table.count)).map { table.items[$0]!.pointee }
      #expect(items.map { String(cString: $0.name) } == ["a", "b", "c", "d", "e"])
      #expect(items.map(\.flags) == [CLUES_PARAMETER_DEFAULTED.rawValue, 0, 0, 0, 0] && items[0].number == 0.5)
      #expect(items[1].integer == -3 && items[1].number == -3 && items[2].integer == 1)
      #expect(String(cString: items[3].text) == "" && items[4].count == 2 && items[4].numbers[1] == 2)
    }
  }

  @Test func scoresAndClients() throws {
    let scores: [Score] = [.value(1), .unscored("no loss")]
    let collection = ScoringCollection(
      clients: ["a"], anchors: [true], owners: [0, 0], steps: [1, 2], innerProducts: [1, 2, 2, 4])
    let client = ThresholdRulePlugin.ClientScores(client: "c", values: [1, -2], splits: [.anchor, .train])
    try withMemories { memory in
      let table = scores.lent(in: memory).pointee
      #expect(table.count == 2 && table.values[0] == 1 && table.values[1].isNaN)
      #expect(table.reasons[0] == nil && String(cString: table.reasons[1]!) == "no loss")
      let adapters = collection.lent(in: memory).pointee
      #expect(adapters.client_count == 1 && adapters.anchors[0] == 1 && adapters.adapter_count == 2)
      #expect(adapters.steps[1] == 2 && adapters.inner_products[3] == 4)
      let threshold = client.lent(in: memory).pointee
      #expect(threshold.count == 2 && threshold.values[1] == -2 && threshold.splits[0] == 1)
    }
  }

  /// What is too large for a region is measured and written nowhere.
  @Test func memoryWithoutRoomOnlyMeasures() throws {
    let region = try SharedRegion(size: 1 << 16, for: .input)
    let memory = try #require(SharedMemory(region, at: 1 << 20))
    #expect(try memory.hold { _ in .init(number: 9) } == 1 << 20)
    #expect(region.start.loadUnaligned(fromByteOffset: 16, as: Int.self) == 9)
    let unit = MergeUnit(module: "m", space: .delta, inputs: [])
    _ = try memory.hold { memory in
      _ = memory.fill("", 1 << 20, alignment: 64) { _ in Issue.record("there is no room for it") }
      return .init(table: unit.lent(in: memory))
    }
    #expect(memory.size > 1 << 20 && memory.capacity == 1 << 16)
  }

  @Test func textsOfAnswers() throws {
    let texts = [0: "loss", 4: "", 2: "dot.ü"]
    #expect(try AnswerTexts.pack(texts).withUnsafeBytes { try AnswerTexts.unpack($0) } == texts)
  }

  /// What a worker says of a failure is told as the plugin's; it decides neither the kind nor the advice.
  @Test func failures() {
    let failure = Failure(.cannotWrite, "no", advice: "run this", client: "x", file: "f")
    let told = Message(failure).failure(of: "p")
    #expect(told == Failure(.pluginFailed, "no", plugin: "p", code: .quoted) && told.statement == "plugin 'p': no")
    #expect(Message(.breach(by: "other", "gave no score")).failure(of: "p") == .breach(by: "p", "gave no score"))
    #expect(Message(Failure(.badData, "wants", plugin: "p")).failure(of: "p").statement == "plugin 'p' wants")
    #expect(Message(Interruption.failure).isInterruption && !Message(failure).isInterruption)
  }
}
