import Diagnostics
import JSON
import PluginHost

extension PluginCatalog {
  private typealias Kind = PluginDescription.Kind

  /// All plugins, grouped by kind.
  public func text(_ page: PageLayout) -> String {
    let entries = libraries.flatMap { library in library.file.entries.map { ($0, library.trustStatus) } }
    let width = entries.map(\.0.id.count).max() ?? 0
    let groups = Kind.allCases.compactMap { kind -> String? in
      let members = entries.filter { $0.0.kind == kind }.sorted { $0.0.id < $1.0.id }
      if members.isEmpty { return nil }
      let lines = members.map { entry, trustStatus in
        let id = entry.id.padding(toLength: width, withPad: " ", startingAt: 0)
        let place = trustStatus.map { " (\($0.name): \(entry.library.path))" } ?? ""
        return wrapped("  \(id)  \(oneLine(entry.summary + place))", to: page.columns)
      }
      return "\(kind.rawValue)s\n" + lines.joined(separator: "\n")
    }
    return groups.isEmpty
      ? "there are no plugins; `clues plugins path` shows where Clues looks for them"
      : groups.joined(separator: "\n\n") + "\n\n`clues plugins show ID` explains one of them and its parameters"
  }

  public var json: JSONValue {
    .object([
      "schema": "clues/plugins/1",
      "plugins": .array(
        libraries.flatMap { library in
          library.file.entries.map { $0.json(in: library) }
        }),
      "problems": .array(problems.map { ["file": JSONValue($0.file), "message": .string($0.statement)] }),
    ])
  }
}

extension PluginDescription {
  fileprivate func json(in library: PluginCatalog.Library) -> JSONValue {
    let identity = self.library
    return .object([
      "id": .string(id), "kind": .string(kind.rawValue), "summary": .string(summary),
      "library": .string(identity.library), "version": .string(identity.version), "path": .string(identity.path),
      "origin": .string(library.origin.rawValue), "standing": .string(library.trustStatus?.name ?? "built in"),
      "sha256": JSONValue(identity.digest),
    ])
  }

  /// Everything known about the plugin.
  public func json(in catalog: PluginCatalog) -> JSONValue {
    var object = catalog.library(of: self).flatMap { json(in: $0).objectValue } ?? JSONObject()
    object["details"] = .string(details)
    object["reference"] = .string(reference)
    object["parameters"] = parameters.json
    if let method = catalog.mergeMethods.first(where: { $0.about.id == id }) {
      object["spaces"] = JSONValue(method.spaces.map(\.rawValue))
      object["default_space"] = .string(method.defaultSpace.rawValue)
      object["merges_rows"] = .bool(method.mergesRows)
    }
    return .object(object)
  }

  /// An explanation for people.
  public func text(in catalog: PluginCatalog, _ page: PageLayout) -> String {
    var facts = [
      "  library  \(oneLine(library.library)) \(oneLine(library.version))", "  file     \(oneLine(library.path))",
    ]
    if let digest = library.digest { facts.append("  sha-256  \(digest)") }
    if let trustStatus = catalog.library(of: self)?.trustStatus { facts.append("  standing \(trustStatus.name)") }
    if let method = catalog.mergeMethods.first(where: { $0.about.id == id }) {
      let spaces = method.spaces.map { $0 == method.defaultSpace ? "\($0.rawValue) (default)" : $0.rawValue }
      facts.append("  spaces   \(spaces.joined(separator: ", "))")
      if !method.isLinear {
        facts.append("  merges   " + (method.mergesRows ? "a few rows of all clients at a time" : "whole matrices"))
      }
    }
    if !reference.isEmpty { facts.append("  source   \(oneLine(reference))") }
    var parts = ["\(id): \(kind.rawValue)\n\(oneLine(summary))", facts.joined(separator: "\n")]
      .map { wrapped($0, to: page.columns) }
    if !details.isEmpty { parts.append(Self.wrappedProse(details, to: page.columns)) }
    if !parameters.declarations.isEmpty {
      let entries = parameters.declarations.map { parameter in
        let facts = "  \(oneLine(parameter.name)): \(oneLine(parameter.facts))"
        return parameter.description.isEmpty ? facts : facts + "\n      \(oneLine(parameter.description))"
      }
      parts.append(wrapped("parameters\n" + entries.joined(separator: "\n"), to: page.columns))
    }
    parts.append(
      wrapped("how to use it\n" + usage.map { "  " + $0 }.joined(separator: "\n"), to: page.columns))
    return parts.joined(separator: "\n\n")
  }

  /// Text wrapped at the width of the page, except lines that start with four spaces: formulas, which are kept as they are.
  private static func wrappedProse(_ text: String, to columns: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.hasPrefix("    ") ? String($0) : wrapped(String($0), to: columns) }.joined(separator: "\n")
  }

  /// On the command line and in a recipe, with the first parameter that has a default.
  private var usage: [String] {
    let setting = parameters.declarations.lazy.compactMap { parameter in
      parameter.defaultValue.map { (parameter.name, shown($0)) }
    }.first
    let option = setting.map { " -p \($0.0)=\($0.1)" } ?? ""
    let parameters = setting.map { ", parameters: {\($0.0): \($0.1)}" } ?? ""
    return switch kind {
    case .mergeMethod: ["clues merge A B --method \(id)\(option) -o merged", "merge: {method: \(id)\(parameters)}"]
    case .scorer: ["clues score BUNDLE --scorer \(id)\(option)", "score: {scorer: \(id)\(parameters)}"]
    case .thresholdRule:
      ["clues select SCORES --threshold \(id)\(option)", "select: {threshold: \(id)\(parameters)}"]
    }
  }
}

extension PluginCatalog {
  fileprivate func library(of entry: PluginDescription) -> Library? {
    libraries.first { $0.file.path == entry.library.path }
  }
}

extension UntrustedLibrary.TrustStatus {
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

extension ParameterSchema.Declaration {
  /// The allowed values, the unit, the default, and whether it may differ by client.
  fileprivate var facts: String {
    let preset = defaultValue.map { "default \(shown($0))" } ?? "not set by default"
    return [expectation, unit.map { "in \($0)" }, preset, isPerInput ? "may differ by client" : nil]
      .compactMap { $0 }.joined(separator: "; ")
  }
}

/// A parameter's value as people write it: 1, not 1.0, and strings without quotes.
private func shown(_ value: JSONValue) -> String {
  if let number = value.doubleValue, let whole = Int(exactly: number) { return "\(whole)" }
  return value.stringValue ?? value.text()
}
