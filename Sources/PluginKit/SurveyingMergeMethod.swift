/// A merge method that must see the whole adapter before it merges the first module.
///
/// In every pass the host passes all units to ``survey(_:pass:into:)``, several at a time, and adds up the tallies of each
/// client. Later passes and ``MergeMethod/merge(_:into:)`` read the sums with ``tallies(of:pass:in:)``.
public protocol SurveyingMergeMethod: MergeMethod {
  /// The type of tallies: plain numbers, initially zero.
  associatedtype Tally: AdditiveArithmetic & BitwiseCopyable

  static var surveyPasses: Int { get }

  /// Whether a unit may be passed piece by piece, some rows of all inputs at a time; false by default.
  static var surveysRows: Bool { get }

  /// The number of tallies for each client; 0 if these parameters need no survey.
  var talliesPerClient: Int { get }

  /// Adds a unit to the tallies of its clients.
  func survey(
    _ unit: MergeUnit, pass: Int, into tallies: (MergeInput) throws -> UnsafeMutableBufferPointer<Tally>) throws

  /// Adds the tallies of other units for a client; element by element unless the method overrides it.
  func combine(_ tallies: UnsafeMutableBufferPointer<Tally>, with others: UnsafeBufferPointer<Tally>, pass: Int) throws
}

extension SurveyingMergeMethod {
  public static var surveysRows: Bool { false }

  public func combine(
    _ tallies: UnsafeMutableBufferPointer<Tally>, with others: UnsafeBufferPointer<Tally>, pass: Int
  ) throws {
    for index in tallies.indices { tallies[index] += others[index] }
  }

  /// A client's tallies over the whole adapter.
  public func tallies(of input: MergeInput, pass: Int, in unit: MergeUnit) throws -> UnsafeBufferPointer<Tally> {
    let size = Int(unit.table.survey_size)
    guard let survey = unit.table.survey, (input.index + 1) * bytesPerClient <= size else {
      throw PluginError("the host has no survey of client '\(input.client)'", status: .invalidArgument)
    }
    let start = survey + pass * size + input.index * bytesPerClient
    return UnsafeBufferPointer(start: start.assumingMemoryBound(to: Tally.self), count: talliesPerClient)
  }

  private var bytesPerClient: Int { talliesPerClient * MemoryLayout<Tally>.stride }

  fileprivate func surveySize(clients: Int) -> Int { clients * bytesPerClient }

  fileprivate func survey(_ unit: MergeUnit, pass: Int, record: UnsafeMutableRawPointer, clients: Int) throws {
    try survey(unit, pass: pass) { input in
      guard input.index < clients else {
        throw PluginError("there is no client \(input.index) among \(clients)", status: .invalidArgument)
      }
      let start = (record + input.index * bytesPerClient).assumingMemoryBound(to: Tally.self)
      return UnsafeMutableBufferPointer(start: start, count: talliesPerClient)
    }
  }

  fileprivate func combine(
    _ record: UnsafeMutableRawPointer, with other: UnsafeRawPointer, pass: Int, clients: Int
  ) throws {
    for client in 0..<clients {
      let offset = client * bytesPerClient
      try combine(
        .init(start: (record + offset).assumingMemoryBound(to: Tally.self), count: talliesPerClient),
        with: .init(start: (other + offset).assumingMemoryBound(to: Tally.self), count: talliesPerClient), pass: pass)
    }
  }
}

/// Adds the functions of a survey to the table of a method that has one.
func addSurvey(_ type: any AnyMergeMethod.Type, to table: inout clues_merge_method) {
  guard let surveying = type as? any SurveyingMergeMethod.Type else { return }
  table.survey_passes = UInt32(surveying.surveyPasses)
  if surveying.surveysRows { table.flags |= CLUES_MERGE_SURVEYS_ROWS.rawValue }
  table.survey_size = { pointer, clients in
    guard let pointer else { return 0 }
    let instance = Unmanaged<Instance>.fromOpaque(pointer).takeUnretainedValue()
    instance.clientCount = Int(clients)
    guard let method = instance.entry as? any SurveyingMergeMethod else { return 0 }
    return UInt64(method.surveySize(clients: Int(clients)))
  }
  table.survey = { pointer, unit, pass, record in
    Instance.answer(pointer) { instance in
      guard let method = instance.entry as? any SurveyingMergeMethod, let unit, let record else { return }
      let view = try MergeUnit(unit.pointee, host: instance.host)
      try method.survey(view, pass: Int(pass), record: record, clients: instance.clientCount)
    }
  }
  table.combine = { pointer, pass, record, other in
    Instance.answer(pointer) { instance in
      guard let method = instance.entry as? any SurveyingMergeMethod, let record, let other else { return }
      try method.combine(record, with: other, pass: Int(pass), clients: instance.clientCount)
    }
  }
}
