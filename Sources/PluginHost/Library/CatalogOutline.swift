import Diagnostics
import Files
import Foundation
import JSON
import SystemPackage

/// What completions need to know about the plugins: ids and parameters, without loading a library.
///
/// The outline is kept in `$XDG_CACHE_HOME/clues/catalog.json` (else `~/.cache`), and is valid as long as every library on
/// the path has the same size and modification time; otherwise the plugins are loaded once and it is written again. A cache
/// that cannot be read or written only costs time.
public struct CatalogOutline: Sendable, Equatable {
  public let entries: [Entry]

  /// One plugin.
  public struct Entry: JSONRecord, Equatable {
    public private(set) var id = ""
    /// "merge method", "scorer" or "threshold rule".
    public private(set) var kind = ""
    public private(set) var parameters: [Parameter] = []

    package init() {}

    init(id: String, kind: String, parameters: [Parameter]) {
      (self.id, self.kind, self.parameters) = (id, kind, parameters)
    }

    package static let fields: [JSONField<Self>] = [
      .key("id", \.id, .text), .key("kind", \.kind, .text),
      .key(
        "parameters", \.parameters,
        JSONKind<[(key: String, value: [String])]>.map(of: .list(of: .text)).mapped(
          { $0.map { Parameter(name: $0.key, values: $0.value) } }, { $0.map { (key: $0.name, value: $0.values) } })),
    ]
  }

  /// One parameter, with its values if they can be enumerated.
  public struct Parameter: Sendable, Equatable {
    public let name: String
    public let values: [String]
  }

  /// The file.
  private struct Cache: JSONDocument {
    var version = cluesVersion
    var libraries: [JSONValue] = []
    var plugins: [Entry] = []

    static let schema = "clues/catalog/1"
    static let foreign = Failure(.badData, "is not an outline of plugins")
    static let fields: [JSONField<Self>] = [
      .key("version", \.version, .text), .key("libraries", \.libraries, .list(of: .any)),
      .key("plugins", \.plugins, .list(of: .record)),
    ]
  }

  /// The plugins on a path, from the cache if it is still valid.
  public init(
    _ path: PluginSearchPath, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    let key = try Self.key(path)
    let file = UserFolder.cache.path(in: environment)?.appending("catalog.json")
    if let kept = file.flatMap({ Self.read($0, key) }) {
      self = kept
      return
    }
    self.init(try PluginCatalog(path))
    if let file { write(to: file, key) }
  }

  private init(_ catalog: PluginCatalog) {
    entries = catalog.libraries.flatMap(\.file.entries).map { plugin in
      let parameters = plugin.parameters.declarations.map { parameter in
        let values = parameter.choices.map { $0.stringValue ?? $0.text() }
        return Parameter(name: parameter.name, values: parameter.type == .boolean ? ["true", "false"] : values)
      }
      return Entry(id: plugin.id, kind: plugin.kind.rawValue, parameters: parameters)
    }
  }

  /// Path, size and modification time of every library on the path, in order.
  private static func key(_ path: PluginSearchPath) throws -> [JSONValue] {
    try path.places.flatMap { try path.files(in: $0) }.map { file in
      var status = stat()
      guard stat(file, &status) == 0 else { return .array([.string(file)]) }
      return [
        .string(file), JSONValue(Int(status.st_size)), JSONValue(status.st_mtim.tv_sec),
        JSONValue(status.st_mtim.tv_nsec),
      ]
    }
  }

  private static func read(_ file: FilePath, _ key: [JSONValue]) -> CatalogOutline? {
    guard let bytes = try? StreamReader(file.string).bytes(),
      let cache = try? Cache(document: bytes.withUnsafeBytes { try JSONReader().read($0) }),
      cache.version == cluesVersion, cache.libraries == key
    else { return nil }
    return CatalogOutline(entries: cache.plugins)
  }

  private init(entries: [Entry]) { self.entries = entries }

  private func write(to file: FilePath, _ key: [JSONValue]) {
    let object = Cache(libraries: key, plugins: entries).json
    try? makeFolder(file.folder, for: file.string)
    try? writeWhole(object.text() + "\n", to: file.string)
  }
}
