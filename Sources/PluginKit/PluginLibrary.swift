/// The content of a plugin library, as the C tables that the host reads.
///
/// A library is a constant of the plugin and an entry function of four lines:
///
///     private let library = PluginLibrary("median", version: "1.0.0", mergeMethods: [Median.self])
///
///     @c @implementation
///     public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
///
/// The tables exist as long as the process: they are made once and never freed.
public struct PluginLibrary: @unchecked Sendable {
  // Unchecked because the tables are never written after they are made.
  public let table: UnsafePointer<clues_plugin>

  public init(
    _ name: String, version: String, vendor: String? = nil, license: String? = nil,
    mergeMethods: [any AnyMergeMethod.Type] = [], scorers: [any PluginEntry.Type] = [],
    thresholdRules: [any ThresholdRule.Type] = []
  ) {
    var library = clues_plugin()
    library.struct_size = CLUES_PLUGIN_SIZE
    library.abi_minor = CLUES_ABI_MINOR
    library.name = permanent(name)
    library.version = permanent(version)
    library.vendor = vendor.map(permanent)
    library.license = license.map(permanent)
    library.merge_method_count = UInt32(mergeMethods.count)
    library.merge_methods = permanent(mergeMethods.map(mergeMethodTable))
    library.scorer_count = UInt32(scorers.count)
    library.scorers = permanent(scorers.map(scorerTable))
    library.threshold_rule_count = UInt32(thresholdRules.count)
    library.threshold_rules = permanent(thresholdRules.map(thresholdRuleTable))
    table = permanent(library)
  }
}

/// A value at a fixed address for the life of the process.
func permanent<Value>(_ value: Value) -> UnsafePointer<Value> {
  let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
  place.initialize(to: value)
  return UnsafePointer(place)
}

func permanent(_ text: String) -> UnsafePointer<CChar> {
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.utf8.count + 1)
  copy.initialize(from: Array(text.utf8CString), count: text.utf8.count + 1)
  return UnsafePointer(copy)
}

func permanent<Table>(_ tables: [UnsafePointer<Table>]) -> UnsafePointer<UnsafePointer<Table>?> {
  let copy = UnsafeMutablePointer<UnsafePointer<Table>?>.allocate(capacity: max(1, tables.count))
  copy.initialize(from: tables.map { $0 }, count: tables.count)
  return UnsafePointer(copy)
}

/// The description of an entry.
func descriptor(of entry: any PluginEntry.Type) -> UnsafePointer<clues_descriptor> {
  var about = clues_descriptor()
  about.struct_size = CLUES_DESCRIPTOR_SIZE
  if (entry as? any Scorer.Type)?.alternativesAgree ?? false { about.flags = CLUES_ALTERNATIVES_AGREE.rawValue }
  about.id = permanent(entry.id)
  about.summary = permanent(entry.summary)
  about.details = entry.details.isEmpty ? nil : permanent(entry.details)
  about.reference = entry.reference.isEmpty ? nil : permanent(entry.reference)
  about.parameters = permanent(entry.parameterSchema)
  return permanent(about)
}

/// A table with its Swift type, which C does not see.
///
/// `create` receives the table's address and finds the type after it: C functions cannot capture one.
struct Backed<Table> {
  var table: Table
  var entry: any PluginEntry.Type

  static func permanentTable(_ table: Table, _ entry: any PluginEntry.Type) -> UnsafePointer<Table> {
    UnsafeRawPointer(permanent(Backed(table: table, entry: entry))).assumingMemoryBound(to: Table.self)
  }

  /// A new instance of the type of `table`, passed to the host as an opaque pointer.
  static func create(
    _ table: UnsafePointer<Table>?, _ host: UnsafePointer<clues_host>?,
    _ parameters: UnsafePointer<clues_parameters>?,
    _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
  ) -> clues_status {
    guard let table, let host, let instance else { return CLUES_INVALID_ARGUMENT }
    let services = Host(host)
    return answer(to: services) {
      let type = UnsafeRawPointer(table).assumingMemoryBound(to: Backed<Table>.self).pointee.entry
      instance.pointee = Unmanaged.passRetained(Instance(try type.make(parameters), host: services)).toOpaque()
    }
  }
}

/// The object that the host's instance pointer refers to.
final class Instance {
  var entry: any PluginEntry
  let host: Host
  /// The width of the tensor whose rows come next.
  var elementCount = 0
  /// The number of clients in the merge.
  var clientCount = 0
  private var texts: [String: UnsafePointer<CChar>] = [:]
  private var lists: [[String]: UnsafePointer<UnsafePointer<CChar>?>] = [:]

  init(_ entry: any PluginEntry, host: Host) {
    self.entry = entry
    self.host = host
  }

  deinit {
    for text in texts.values { text.deallocate() }
    for list in lists.values { list.deallocate() }
  }

  /// A C string that is valid as long as the instance.
  func text(_ text: String) -> UnsafePointer<CChar> {
    if let known = texts[text] { return known }
    let copy = permanent(text)
    texts[text] = copy
    return copy
  }

  /// A list of C strings that is valid as long as the instance.
  func list(_ entries: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
    if let known = lists[entries] { return known }
    let copy = permanent(entries.map(text))
    lists[entries] = copy
    return copy
  }

  /// Passes the scores to the host.
  func fill(_ target: UnsafePointer<clues_scores>?, with scores: [Score]) throws {
    guard let target = target?.pointee, scores.count == Int(target.count) else {
      throw PluginError(
        "gave \(scores.count) scores instead of \(target?.pointee.count ?? 0)", status: .internalError)
    }
    for (place, score) in scores.enumerated() {
      switch score {
      case .value(let value): target.values[place] = value
      case .unscored(let reason): target.reasons[place] = text(reason)
      }
    }
  }

  static func destroy(_ pointer: UnsafeMutableRawPointer?) {
    if let pointer { Unmanaged<Instance>.fromOpaque(pointer).release() }
  }

  /// Runs `body` with the instance that `pointer` refers to.
  static func answer(
    _ pointer: UnsafeMutableRawPointer?, _ body: (Instance) throws -> Void
  ) -> clues_status {
    guard let pointer else { return CLUES_INVALID_ARGUMENT }
    let instance = Unmanaged<Instance>.fromOpaque(pointer).takeUnretainedValue()
    return PluginKit.answer(to: instance.host) { try body(instance) }
  }
}
