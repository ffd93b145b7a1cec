import CluesPluginABI
import PluginHost

/// An entry of a loaded library, with its functions.
struct Entry: Sendable {
  let about: PluginDescription
  let tables: EntryTable

  /// The number of inputs with which a merge is tested.
  var inputCount: Int {
    guard case .method(let table) = tables else { return 3 }
    let (least, most) = (Int(table.pointee.minimum_inputs), Int(table.pointee.maximum_inputs))
    return most > 0 ? min(max(3, least), most) : max(3, least)
  }

  /// The smallest number of inputs that a merge accepts.
  var minimumInputCount: Int {
    if case .method(let table) = tables { max(1, Int(table.pointee.minimum_inputs)) } else { 1 }
  }

  /// The entries of a library that is loaded in this process.
  static func all(of library: PluginLibraryFile) -> [Entry] {
    library.plugins.compactMap { about, code in
      if case .here(let tables) = code { Entry(about: about, tables: tables) } else { nil }
    }
  }
}

extension Entry {
  /// The whole life of an instance, or of several if a scorer has several ways, by a script.
  func perform(_ script: CallScript, in testHost: TestHost) {
    switch tables {
    case .method(let table): performMerge(table, script, testHost)
    case .scorer(let table): performScoring(table, script, testHost)
    case .rule(let table): performRule(table, script, testHost)
    }
  }

  /// Creates an instance with these parameters and destroys it.
  @discardableResult
  func create(with parameters: [RawParameter], in testHost: TestHost) -> Outcome {
    withInstance(parameters, testHost) { _ in }
  }

  /// Creates an instance for `body`; returns the outcome of creating it.
  @discardableResult
  func withInstance(
    _ parameters: [RawParameter], _ testHost: TestHost, _ body: (UnsafeMutableRawPointer?) -> Void
  ) -> Outcome {
    var instance: UnsafeMutableRawPointer?
    let host = testHost.host
    let table = parameters.lent(in: testHost.lending(until: .call))
    let scene = parameters.isEmpty ? "" : "\(parameters.count) parameters"
    let made = testHost.call("create", scene) { tables.create(host, table, &instance) }
    guard made.isDone else { return made }
    body(instance)
    if let instance {
      testHost.call("destroy") {
        tables.destroy(instance)
        return CLUES_OK
      }
    }
    return made
  }
}
