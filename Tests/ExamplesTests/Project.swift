import Diagnostics
import Foundation
import PluginHost
import PluginProjects
import TestSupport
import Testing

typealias Language = PluginProject.Language
typealias Kind = PluginProject.Kind

/// A folder with a plugin's project.
struct Project {
  let folder: URL
  let name: String

  /// One of those in Examples/plugins, built and tested once, the way its author does it.
  static func example(_ language: Language) throws -> Project { try examples[language]!.get() }

  private static let examples = Dictionary(
    uniqueKeysWithValues: Language.allCases.map { language in
      (
        language,
        Result {
          let folder = repository.appending(path: "Examples/plugins/\(language)")
          let project = Project(folder: folder, name: "agreement")
          try project.make(["test"])
          return project
        }
      )
    })

  var library: String { folder.appending(path: "build/\(name).so").path }

  func loaded() throws -> PluginLibraryFile { try PluginLibraryFile(loading: library) }

  /// Builds it with the `clues` that was built along with the tests.
  func make(_ arguments: [String] = []) throws {
    _ = try output(
      "make", ["-C", folder.path, "CLUES=" + cluesExecutable, "RUSTC=" + debiansRustc] + arguments)
  }

  /// What its self-test prints.
  func selfTest() throws -> String {
    try make(["build/selftest"])
    return try output(folder.appending(path: "build/selftest").path, [library])
  }

  var expected: String {
    get throws { try String(contentsOf: folder.appending(path: "expected.txt"), encoding: .utf8) }
  }

  /// The symbols that others see.
  func exportedSymbols() throws -> [String] {
    try output("readelf", ["-W", "--dyn-syms", library]).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 8, ["GLOBAL", "WEAK", "UNIQUE"].contains(fields[4]), fields[6] != "UND" else { return nil }
      return String(fields[7])
    }
  }
}

/// The oldest compiler that plugins in Rust are promised to build with; `make test` installs it beside any newer one.
let debiansRustc = "/usr/bin/rustc"
