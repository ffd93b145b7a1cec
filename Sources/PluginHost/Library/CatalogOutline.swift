import Diagnostics
import Files
import Foundation
import JSON
import SystemPackage

/// What completions know of the plugins: ids and parameters, without loading a library.
///
/// The outline is kept in `$XDG_CACHE_HOME/clues/catalog.json` (else `~/.cache`), and holds as long as every library on
/// the path has the size and the time of change that it had then; otherwise the plugins are loaded once and it is made
/// anew. A cache that cannot be read or written costs time and nothing else.
public struct CatalogOutline: Sendable, Equatable {
  public let entries: [Entry]

  /// One plugin.
  public struct Entry: Sendable, Equatable {
    public let id: String
    /// "merge method", "scorer" or "threshold rule".
    public let kind: String
    public let parameters: [Parameter]
  }

  /// One parameter, with its values where these can be counted.
  public struct Parameter: Sendable, Equatable {
    public let name: String
    public let values: [String]
  }

  /// The plugins on a path, from the cache if it is still true.
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

  /// Path, size and time of change of every library on the path, in order.
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

  private static let schema = "clues/catalog/1"

  private static func read(_ file: FilePath, _ key: [JSONValue]) -> CatalogOutline? {
    guard let bytes = try? StreamReader(file.string).bytes(),
      let object = try? bytes.withUnsafeBytes({ try JSONReader().read($0) }).objectValue,
      object["schema"]?.stringValue == schema, object["version"]?.stringValue == cluesVersion,
      object["libraries"]?.arrayValue == key, let plugins = object["plugins"]?.arrayValue
    else { return nil }
    let entries = plugins.compactMap { plugin -> Entry? in
      guard let plugin = plugin.objectValue, let id = plugin["id"]?.stringValue,
        let kind = plugin["kind"]?.stringValue, let parameters = plugin["parameters"]?.objectValue
      else { return nil }
      return Entry(
        id: id, kind: kind,
        parameters: parameters.members.map {
          Parameter(name: $0.key, values: ($0.value.arrayValue ?? []).compactMap(\.stringValue))
        })
    }
    return entries.count == plugins.count ? CatalogOutline(entries: entries) : nil
  }

  private init(entries: [Entry]) { self.entries = entries }

  private func write(to file: FilePath, _ key: [JSONValue]) {
    let object: JSONValue = [
      "schema": .string(Self.schema), "version": .string(cluesVersion), "libraries": .array(key),
      "plugins": .array(
        entries.map { entry in
          [
            "id": .string(entry.id), "kind": .string(entry.kind),
            "parameters": .object(JSONObject(entry.parameters.map { ($0.name, JSONValue($0.values)) })),
          ]
        }),
    ]
    try? makeFolder(file.folder, for: file.string)
    try? writeWhole(object.text() + "\n", to: file.string)
  }
}
