import Diagnostics

/// A function of the contract that is called for an instance.
enum PluginCall: String {
  case create, destroy
  case coefficients
  case surveySize = "survey_size"
  case survey, combine, merge
  case noteSize = "note_size"
  case note
  case mergeRows = "merge_rows"
  case needs
  case beginCheckpoint = "begin_checkpoint"
  case beginTensor = "begin_tensor"
  case update
  case endTensor = "end_tensor"
  case endCheckpoint = "end_checkpoint"
  case finish
  case scoreClients = "score_clients"
  case decide
}

/// The arguments of a call besides its answer; addresses are those that the plugin sees.
struct CallArguments: BitwiseCopyable {
  /// What the call is about: a struct of the contract, or a list of them.
  var table: UnsafeRawPointer?
  /// What else it reads: a record, notes, an id.
  var data: UnsafeRawPointer?
  /// A pass, an index, a first row, a count.
  var number = 0
  /// The shape of the output.
  var rows = 0
  var columns = 0

  func table<Table>(_ type: Table.Type = Table.self) -> UnsafePointer<Table>? {
    table?.assumingMemoryBound(to: Table.self)
  }
}

/// Where a call writes its answer.
struct CallAnswer {
  var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  /// Whether it consists of numbers that are first marked as unwritten; otherwise the plugin gets what is there.
  var isUnwritten = false
  /// The largest size of the texts that belong to it.
  var textRoom = 0
}

/// Where the functions of an instance run: in this process or in a worker. Used by one thread at a time.
protocol InstanceSite: AnyObject {
  var plugin: String { get }
  /// What the instance is working on, for errors.
  var subject: PluginSubject { get set }
  /// How the plugin itself reads rows of a matrix that is nowhere in memory; nil if it must see whole matrices.
  var rowReading: HostTable? { get }

  /// Makes a call.
  ///
  /// - parameters:
  ///   - lease: How long the arguments must stay where they are.
  ///   - arguments: Puts what the plugin reads into memory; may be called twice.
  /// - returns: The texts that the plugin gave, by the index of what they belong to.
  func call(
    _ call: PluginCall, _ answer: CallAnswer, until lease: Lease,
    _ arguments: (any ContractMemory) throws -> CallArguments
  ) throws -> [Int: String]
}

/// What a call is about, for errors.
struct PluginSubject {
  var client: String?
  var tensor: String?
}

extension InstanceSite {
  func call(
    _ call: PluginCall, into memory: UnsafeMutableRawBufferPointer = .init(start: nil, count: 0),
    until lease: Lease = .call, _ arguments: (any ContractMemory) throws -> CallArguments = { _ in .init() }
  ) throws {
    _ = try self.call(call, CallAnswer(memory: memory), until: lease, arguments)
  }

  /// A call whose answer is one integer, 0 by default.
  func integer(_ call: PluginCall, number: Int = 0) throws -> UInt64 {
    var answer: UInt64 = 0
    try withUnsafeMutableBytes(of: &answer) { try self.call(call, into: $0) { _ in .init(number: number) } }
    return answer
  }

  /// A call whose answer is `count` numbers; those that the plugin does not write are ``Unwritten``.
  func numbers(
    _ call: PluginCall, count: Int, _ arguments: (any ContractMemory) throws -> CallArguments
  ) throws -> [Double] {
    var answer = [Double](repeating: Unwritten.double, count: count)
    try answer.withUnsafeMutableBytes { try self.call(call, into: $0, arguments) }
    return answer
  }

  func failure(_ message: String) -> Failure { Failure(.pluginFailed, message, plugin: plugin) }
}
