import CluesPluginABI
import PluginHost

/// An entry of a loaded library, with its functions.
struct Entry: Sendable {
  let about: PluginDescription
  let tables: Tables

  enum Tables: @unchecked Sendable {
    // Unchecked because tables are static in a library that is never unloaded.
    case method(UnsafePointer<clues_merge_method>)
    case scorer(UnsafePointer<clues_scorer>)
    case rule(UnsafePointer<clues_threshold_rule>)
  }

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
    library.mergeMethods.compactMap { plugin in
      if case .here(let table) = plugin.code { Entry(about: plugin.about, tables: .method(table)) } else { nil }
    }
      + library.scorers.compactMap { plugin in
        if case .here(let table) = plugin.code { Entry(about: plugin.about, tables: .scorer(table)) } else { nil }
      }
      + library.thresholdRules.compactMap { plugin in
        if case .here(let table) = plugin.code { Entry(about: plugin.about, tables: .rule(table)) } else { nil }
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
    let table = testHost.lend(parameters)
    let scene = parameters.isEmpty ? "" : "\(parameters.count) parameters"
    let made = testHost.call("create", scene) {
      switch tables {
      case .method(let method): method.pointee.create(method, host, table, &instance)
      case .scorer(let scorer): scorer.pointee.create(scorer, host, table, &instance)
      case .rule(let rule): rule.pointee.create(rule, host, table, &instance)
      }
    }
    guard made.isDone else { return made }
    body(instance)
    if let instance {
      testHost.call("destroy") {
        switch tables {
        case .method(let method): method.pointee.destroy(instance)
        case .scorer(let scorer): scorer.pointee.destroy(instance)
        case .rule(let rule): rule.pointee.destroy(instance)
        }
        return CLUES_OK
      }
    }
    return made
  }
}
