import CLinux
import CluesPluginABI
import Diagnostics

/// A plugin's instance in this process, together with its host, which it may use until it is destroyed.
final class HostedInstance: InstanceSite {
  private let entry: EntryTable
  private let hostTable: HostTable
  /// May be null: the plugin decides what it keeps.
  private let pointer: UnsafeMutableRawPointer?
  /// What the plugin may read until a lease ends.
  private let arenas = Lease.allCases.map { _ in Arena() }
  var subject = PluginSubject()

  /// Makes an instance with the parameters that `parameters` puts into memory.
  ///
  /// - throws: ``Failure`` with the plugin's text if it refuses; whatever it stored is then not an instance.
  init(
    _ entry: EntryTable, of about: PluginDescription, services: HostServices,
    _ parameters: (any ContractMemory) throws -> UnsafePointer<clues_parameters>?
  ) throws {
    // Before any code of a plugin runs: each has a copy of the function that chooses OpenBLAS's kernels, and there is one
    // OpenBLAS, whose kernels must not change during another thread's product.
    _ = clues_prepare_blas()
    let hostTable = HostTable(about, services: services)
    let parameters = try parameters(arenas[Int(Lease.instance.rawValue)])
    var pointer: UnsafeMutableRawPointer?
    try hostTable.call { entry.create(hostTable.table, parameters, &pointer) }
    (self.entry, self.hostTable, self.pointer) = (entry, hostTable, pointer)
  }

  deinit {
    withExtendedLifetime(hostTable) { if let pointer { entry.destroy(pointer) } }
  }

  /// The error for a call that only a faulty host can make.
  static let unknownCall = Failure(.pluginFailed, "a worker received an unknown request")

  var plugin: String { hostTable.plugin }

  var rowReading: HostTable? {
    guard case .method(let method) = entry, method.pointee.flags & CLUES_MERGE_READS_ROWS.rawValue != 0 else {
      return nil
    }
    return hostTable
  }

  func call(
    _ call: PluginCall, _ answer: CallAnswer, until lease: Lease,
    _ arguments: (any ContractMemory) throws -> CallArguments
  ) throws -> [Int: String] {
    let arena = arenas[Int(lease.rawValue)]
    arena.reset()
    defer { if lease == .call { arena.reset() } }
    let arguments = try arguments(arena)
    if answer.isUnwritten { Unwritten.mark(answer.memory) }
    return try locating(client: subject.client, tensor: subject.tensor) {
      try perform(call, arguments, into: answer.memory)
    }
  }

  /// Calls the plugin's function; returns the texts of its answer, by the index of what they belong to.
  func perform(
    _ call: PluginCall, _ arguments: CallArguments, into answer: UnsafeMutableRawBufferPointer
  ) throws -> [Int: String] {
    switch entry {
    case .method(let table): try perform(table.pointee, call, arguments, answer)
    case .scorer(let table): return try perform(table.pointee, call, arguments, answer)
    case .rule(let table):
      let target = answer.baseAddress?.assumingMemoryBound(to: Double.self)
      try hostTable.call {
        table.pointee.decide(pointer, UInt32(arguments.number), arguments.table(), target)
      }
    }
    return [:]
  }

  private func perform(
    _ method: clues_merge_method, _ call: PluginCall, _ arguments: CallArguments,
    _ answer: UnsafeMutableRawBufferPointer
  ) throws {
    let unit = arguments.table(clues_merge_unit.self)
    let (target, number) = (answer.baseAddress, UInt32(truncatingIfNeeded: arguments.number))
    // The output, as large as the arguments say.
    let memory = Arena()
    func output() -> UnsafePointer<clues_tensor> {
      memory.tensor(
        target, rows: arguments.rows, columns: arguments.columns, flags: CLUES_TENSOR_WRITABLE.rawValue)
    }
    try withExtendedLifetime(memory) {
      switch call {
      case .coefficients:
        try hostTable.call { method.coefficients(pointer, unit, target?.assumingMemoryBound(to: Double.self)) }
      case .surveySize:
        guard let size = method.survey_size, method.survey_passes > 0 else { return }
        answer.storeBytes(of: size(pointer, number), as: UInt64.self)
      case .survey: try hostTable.call { method.survey(pointer, unit, number, target) }
      case .combine: try hostTable.call { method.combine(pointer, number, target, arguments.data) }
      case .merge: try hostTable.call { method.merge(pointer, unit, output()) }
      case .noteSize:
        guard let size = method.note_size else { return }
        answer.storeBytes(of: size(pointer), as: UInt64.self)
      case .note: try hostTable.call { method.note(pointer, unit, number, target) }
      case .mergeRows:
        try hostTable.call { method.merge_rows(pointer, unit, UInt64(arguments.number), arguments.data, output()) }
      default: throw Self.unknownCall
      }
    }
  }

  private func perform(
    _ scorer: clues_scorer, _ call: PluginCall, _ arguments: CallArguments, _ answer: UnsafeMutableRawBufferPointer
  ) throws -> [Int: String] {
    switch call {
    case .needs: return try needs(of: scorer, UInt32(arguments.number), answer)
    case .beginCheckpoint: try hostTable.call { scorer.begin_checkpoint(pointer, arguments.table()) }
    case .beginTensor: try hostTable.call { scorer.begin_tensor?(pointer, arguments.table()) ?? CLUES_OK }
    case .update: try hostTable.call { scorer.update?(pointer, arguments.table()) ?? CLUES_OK }
    case .endTensor: try hostTable.call { scorer.end_tensor?(pointer) ?? CLUES_OK }
    case .endCheckpoint: return try scores(answer) { scorer.end_checkpoint(pointer, $0) }
    case .finish:
      return try scores(answer) { scorer.finish(pointer, UInt32(arguments.number), arguments.table(), $0) }
    case .scoreClients: return try scores(answer) { scorer.score_clients(pointer, arguments.table(), $0) }
    default: throw Self.unknownCall
    }
    return [:]
  }

  /// Lets the plugin fill in one of its ways, and returns the names of its columns; without this way the size stays zero.
  private func needs(
    of scorer: clues_scorer, _ alternative: UInt32, _ answer: UnsafeMutableRawBufferPointer
  ) throws -> [Int: String] {
    var needs = empty(clues_needs.self)
    var isThere = true
    try hostTable.call {
      let status = scorer.needs(pointer, alternative, &needs)
      isThere = status != CLUES_UNSUPPORTED
      return isThere ? status : CLUES_OK
    }
    guard isThere else { return [:] }
    needs.struct_size = CLUES_NEEDS_SIZE
    answer.storeBytes(of: needs, as: clues_needs.self)
    guard needs.hasColumns else { return [:] }
    return texts(needs.columns, count: Int(needs.column_count))
  }

  /// Lets the plugin write one score for every number that `answer` has room for, and returns its reasons.
  private func scores(
    _ answer: UnsafeMutableRawBufferPointer, _ body: (UnsafePointer<clues_scores>) -> clues_status
  ) throws -> [Int: String] {
    let memory = Arena()
    return try withExtendedLifetime(memory) {
      var scores = empty(clues_scores.self)
      let values = answer.bindMemory(to: Double.self)
      let reasons = memory.array("the reasons", [UnsafePointer<CChar>?](repeating: nil, count: values.count))
      scores.count = UInt64(values.count)
      scores.values = values.baseAddress
      scores.reasons = UnsafeMutablePointer(mutating: reasons)
      let table = memory.table("the scores", scores)
      try hostTable.call { body(table) }
      return texts(reasons, count: values.count)
    }
  }

  private func texts(_ list: UnsafePointer<UnsafePointer<CChar>?>?, count: Int) -> [Int: String] {
    (0..<count).reduce(into: [:]) { texts, place in texts[place] = list?[place].map(foreignText) }
  }
}
