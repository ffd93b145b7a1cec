import JSON
import PluginHost

extension PluginCatalog {
  private typealias Kind = PluginDescription.Kind

  /// All plugins, grouped by kind.
  public var text: String {
    let entries = libraries.flatMap { library in library.file.entries.map { ($0, library.standing) } }
    let groups = Kind.allCases.compactMap { kind -> String? in
      let members = entries.filter { $0.0.kind == kind }.sorted { $0.0.id < $1.0.id }
      if members.isEmpty { return nil }
      var table = Table()
      for (entry, standing) in members {
        table.add("  " + entry.id, entry.library.version, standing?.name ?? "built in", entry.summary)
      }
      return "\(kind.rawValue)s\n\(table.text)"
    }
    return groups.isEmpty
      ? "there are no plugins; `clues plugins path` shows where they are looked for" : groups.joined(separator: "\n\n")
  }

  public var json: JSONValue {
    .object([
      "schema": "clues/plugins/1",
      "plugins": .array(
        libraries.flatMap { library in
          library.file.entries.map { $0.json(in: library) }
        }),
      "problems": .array(problems.map { ["file": JSONValue($0.file), "message": .string($0.message)] }),
    ])
  }
}

extension PluginDescription {
  fileprivate func json(in library: PluginCatalog.Library) -> JSONValue {
    let identity = self.library
    return .object([
      "id": .string(id), "kind": .string(kind.rawValue), "summary": .string(summary),
      "library": .string(identity.library), "version": .string(identity.version), "path": .string(identity.path),
      "origin": .string(library.origin.rawValue), "standing": .string(library.standing?.name ?? "built in"),
      "sha256": JSONValue(identity.digest),
    ])
  }

  /// Everything that is known about the plugin.
  public func json(in catalog: PluginCatalog) -> JSONValue {
    var object = catalog.library(of: self).flatMap { json(in: $0).objectValue } ?? JSONObject()
    object["details"] = .string(details)
    object["reference"] = .string(reference)
    object["parameters"] = parameters.json
    if let method = catalog.mergeMethods.first(where: { $0.about.id == id }) {
      object["spaces"] = JSONValue(method.spaces.map(\.rawValue))
      object["default_space"] = .string(method.defaultSpace.rawValue)
    }
    return .object(object)
  }

  /// An explanation for people.
  public func text(in catalog: PluginCatalog) -> String {
    var head = Table()
    head.add("library", "\(library.library) \(library.version)  \(library.path)")
    if let digest = library.digest { head.add("sha-256", digest) }
    if let standing = catalog.library(of: self)?.standing { head.add("standing", standing.name) }
    if let method = catalog.mergeMethods.first(where: { $0.about.id == id }) {
      let spaces = method.spaces.map { $0 == method.defaultSpace ? "\($0.rawValue) (default)" : $0.rawValue }
      head.add("spaces", spaces.joined(separator: ", "))
    }
    if !reference.isEmpty { head.add("source", reference) }
    var text = "\(id): \(kind.rawValue)\n\(summary)\n\n\(head.text)\n"
    if !details.isEmpty { text += "\n\(details)\n" }
    if !parameters.declarations.isEmpty {
      text += "\nparameters\n"
      for parameter in parameters.declarations {
        let preset = parameter.defaultValue.map { "default \($0.stringValue ?? $0.text())" } ?? "no default"
        let scope = parameter.isPerInput ? ", may differ by client" : ""
        text += "  \(parameter.name)  \(parameter.expectation), \(preset)\(scope)\n      \(parameter.description)\n"
      }
    }
    return text
  }
}

extension PluginCatalog {
  fileprivate func library(of entry: PluginDescription) -> Library? {
    libraries.first { $0.file.path == entry.library.path }
  }
}

extension StrangeLibrary.Standing {
  /// In one word.
  public var name: String {
    switch self {
    case .trusted: "trusted"
    case .untrusted: "untrusted"
    case .changed: "changed"
    case .exposed: "exposed"
    }
  }
}
