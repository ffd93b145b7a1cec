import Bundles
import CPluginTemplates
import Diagnostics
import Files
import Foundation
import Runs
import SystemPackage

/// The small project that an author of a plugin starts from; it builds as it is.
package struct PluginProject {
  /// What the plugin and its entry are called.
  package let name: String
  package let language: Language
  package let kind: Kind
  /// Where Swift's package manager finds PluginKit; empty for other languages.
  package let pluginKit: String

  package enum Language: String, CaseIterable, Sendable { case c, cpp, rust, swift }

  package enum Kind: String, CaseIterable, Sendable {
    case mergeMethod = "merge-method"
    case scorer
    case thresholdRule = "threshold-rule"
  }

  /// - throws: ``Failure`` `usage` for a name that cannot be an id.
  package init(_ name: String, language: Language, kind: Kind, pluginKit: String = "") throws {
    try Self.check(name)
    self.name = name
    self.language = language
    self.kind = kind
    self.pluginKit = pluginKit
  }

  /// Its files, by their paths in the project.
  package var files: [(path: String, text: String)] {
    var files: [(path: String, text: String)] = [
      (".gitignore", template("common/gitignore")), ("Makefile", template("\(language)/Makefile")),
      ("README.md", readme), ("clues_plugin.h", Self.text(of: "common/clues_plugin.h")),
      ("expected.txt", template("common/expected-\(kind.rawValue).txt")), ("plugin.mk", template("common/plugin.mk")),
      (sourcePath, template("\(language)/\(kind.rawValue).\(sourceEnding)")),
      ("selftest.c", template("common/selftest.c")),
    ]
    // rustc writes a version script of its own.
    if language != .rust { files.append(("plugin.map", template("common/plugin.map"))) }
    switch language {
    case .c: break
    case .cpp: files.append(("guard.hpp", template("cpp/guard.hpp")))
    case .rust: files.append(("clues.rs", template("rust/clues.rs")))
    case .swift: files.append(("Package.swift", template("swift/Package.swift")))
    }
    return files.sorted { $0.path < $1.path }
  }

  /// The file that the author works on.
  package var sourcePath: String { language == .swift ? "Sources/Plugin.swift" : "plugin.\(sourceEnding)" }

  /// Writes the project as a new folder, whole or not at all.
  ///
  /// - throws: ``Failure`` `cannotWrite` when something is there already, `usage` when the name is that of an archive.
  package func write(to folder: String) throws {
    guard !FolderArchive.isNamed(folder) else {
      throw Failure(
        .usage, "a project is a folder, and '\(folder)' is named like an archive", advice: "name a folder with --into")
    }
    guard !FilePath(folder).exists else {
      throw Failure.exists("the folder", at: folder, advice: "choose another folder with --into")
    }
    let output = try OutputFolder(folder, replacing: false)
    do {
      for file in files { try output.write(file.text, to: file.path) }
      try output.commit()
    } catch {
      output.abandon()
      throw error
    }
  }

  private var sourceEnding: String { language == .rust ? "rs" : language.rawValue }

  /// A command that uses the plugin.
  private var command: String {
    switch kind {
    case .mergeMethod: "clues merge a.tar b.tar --method \(name) --plugin-dir build -o merged"
    case .scorer: "clues score client.tar --scorer \(name) --plugin-dir build -o scores.jsonl"
    case .thresholdRule: "clues select scores.jsonl --threshold \(name) --plugin-dir build -o selection"
    }
  }

  private var readme: String {
    let sentence =
      switch kind {
      case .mergeMethod: "A merge method for Clues: it makes one matrix out of those of several clients."
      case .scorer: "A scorer for Clues: it gives every sample of a client a number, and higher is better."
      case .thresholdRule: "A threshold rule for Clues: it says from which score on samples are kept."
      }
    return template("common/README.md").replacing("KIND_SENTENCE", with: sentence)
      .replacing("KIND_COMMAND", with: command)
      .replacing("LANGUAGE_NOTES\n", with: template("\(language)/notes.md"))
  }

  /// A template with the name filled in.
  private func template(_ path: String) -> String {
    Self.text(of: path).replacing("my-plugin", with: name).replacing("MyPlugin", with: moduleName)
      .replacing("PLUGINKIT_PATH", with: swiftLiteral(pluginKit))
  }

  /// A Swift module for the name; the ending keeps it apart from keywords and from other modules.
  private var moduleName: String {
    name.split { $0 == "-" || $0 == "." }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined() + "Plugin"
  }

  /// The text of a template as it is compiled in.
  package static func text(of path: String) -> String {
    guard let text = Self.templates[path] else { preconditionFailure("there is no template \(path)") }
    return text
  }

  /// All that are compiled in, by their paths below Templates/plugins.
  static let templates: [String: String] = {
    var templates: [String: String] = [:]
    var next = clues_plugin_templates()
    while let template = next?.pointee, let path = template.path {
      templates[String(cString: path)] = String(cString: template.text)
      next = next.map { $0 + 1 }
    }
    return templates
  }()

  private static func check(_ name: String) throws {
    let isMadeOf = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
        UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard isMadeOf, let first = name.first, first.isLetter, let last = name.last, last.isLetter || last.isNumber else {
      throw Failure(
        .usage, "'\(name)' cannot be a plugin's name",
        advice: "a name is made of lower case letters, digits, '-' and '.', begins with a letter and ends with neither "
          + "'-' nor '.'")
    }
    guard name.utf8.count <= 64 else {
      throw Failure(.usage, "the plugin's name has \(name.utf8.count) characters", advice: "64 are allowed")
    }
  }
}

/// A text as it stands between the quotes of a Swift literal.
private func swiftLiteral(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { literal, scalar in
    switch scalar {
    case "\\", "\"": literal += "\\\(scalar)"
    case _ where scalar.value < 0x20 || scalar.value == 0x7F: literal += "\\u{\(String(scalar.value, radix: 16))}"
    default: literal.unicodeScalars.append(scalar)
    }
  }
}
