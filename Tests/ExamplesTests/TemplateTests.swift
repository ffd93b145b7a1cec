import Diagnostics
import Foundation
import PluginHost
import TestSupport
import Testing

@testable import PluginProjects

/// What `clues plugins new` writes builds as it is, and does what it says.
@Suite(.serialized) struct TemplateTests {
  struct Choice: CustomTestStringConvertible, Sendable {
    let language: Language
    let kind: Kind
    var testDescription: String { "\(kind.rawValue) in \(language)" }
  }

  static let choices = Language.allCases.flatMap { language in
    Kind.allCases.map { Choice(language: language, kind: $0) }
  }

  /// PluginKit is compiled once for all projects in Swift.
  static let scratch = URL(filePath: cluesExecutable).deletingLastPathComponent().appending(path: "plugin-projects")
    .path

  @Test(arguments: choices) func `builds, loads and gives what it expects`(_ choice: Choice) throws {
    try withTemporaryFolder { folder in
      let written = try clues(
        ["plugins", "new", "--language", choice.language.rawValue, "--kind", choice.kind.rawValue, "own.first-try2"],
        in: folder)
      #expect(written.status == 0, "\(written.errors)")
      let project = Project(folder: folder.appending(path: "own.first-try2"), name: "own.first-try2")
      // The build, its self-test, and all checks of `clues plugins check`.
      try project.make(["test", "SWIFTFLAGS=-c release --scratch-path \(Self.scratch)"])
      let library = try project.loaded()
      #expect(library.entries.map(\.id) == ["own.first-try2"])
      #expect(library.entries.map(\.kind.rawValue) == [choice.kind.rawValue.replacing("-", with: " ")])
      #expect(try project.exportedSymbols() == ["clues_plugin_entry_v1"])
      #expect(try project.selfTest() == project.expected)
      for file in try FileManager.default.contentsOfDirectory(atPath: project.folder.path) {
        let text = (try? String(contentsOf: project.folder.appending(path: file), encoding: .utf8)) ?? ""
        for left in ["my-plugin", "MyPlugin", "KIND_", "LANGUAGE_NOTES", "PLUGINKIT_PATH"] {
          #expect(!text.contains(left), "\(file) still says \(left)")
        }
      }
    }
  }

  @Test(arguments: [
    (Language.cpp, "throw std::runtime_error(\"thrown on purpose\");", "thrown on purpose"),
    (.rust, "if row == 0 { panic!(\"on purpose\") }", "the plugin panicked"),
  ])
  func `what is thrown stays inside`(_ language: Language, _ fault: String, _ text: String) throws {
    try withTemporaryFolder { folder in
      let written = try PluginProject("faulty", language: language, kind: .mergeMethod)
      let project = Project(folder: folder.appending(path: "faulty"), name: "faulty")
      try written.write(to: project.folder.path)
      let file = project.folder.appending(path: written.sourcePath)
      var source = try String(contentsOf: file, encoding: .utf8)
      let loop = try #require(source.firstRange(of: language == .cpp ? "double sum = 0;" : "let mut sum = 0.0;"))
      source.replaceSubrange(loop.lowerBound..<loop.lowerBound, with: fault + " ")
      if language == .cpp { source = "#include <stdexcept>\n" + source }
      try Data(source.utf8).write(to: file)
      try project.make()
      let result = try project.selfTest()
      #expect(result.contains("  error: \(text)\n  merge gave status 6\n"), "\(result)")
    }
  }

  @Test func `an installation brings its PluginKit`() throws {
    try withTemporaryFolder { folder in
      let kit = folder.appending(path: "lib/clues/PluginKit")
      for part in ["bin", "lib/clues/PluginKit/Sources/PluginKit"] {
        try FileManager.default.createDirectory(at: folder.appending(path: part), withIntermediateDirectories: true)
      }
      let bin = folder.appending(path: "bin").path
      expectFailure(.missingInput, "PluginKit") { try PluginKitLocation.belonging(to: bin) }
      try Data().write(to: kit.appending(path: "Package.swift"))
      #expect(try PluginKitLocation.belonging(to: bin) == kit.path)
    }
    #expect(
      try PluginKitLocation.belonging(to: PluginSearchPath.executableFolder)
        == repository.appending(path: "PluginKit").path)
  }

  @Test func `the article of PluginKit builds, and its method works`() throws {
    let article = try String(
      contentsOf: repository.appending(path: "Sources/PluginKit/PluginKit.docc/WritingAPlugin.md"), encoding: .utf8)
    let code = article.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    #expect(code.count == 2)
    try withTemporaryFolder { folder in
      #expect(try clues(["plugins", "new", "--language", "swift", "my-method"], in: folder).status == 0)
      let project = Project(folder: folder.appending(path: "my-method"), name: "my-method")
      let source = (["import PluginKit"] + code).joined(separator: "\n\n") + "\n"
      try Data(source.utf8).write(to: project.folder.appending(path: "Sources/Plugin.swift"))
      try project.make(["SWIFTFLAGS=-c release --scratch-path \(Self.scratch)"])
      let result = try project.selfTest()
      #expect(result.contains("merge method largest\n"))
      #expect(result.contains("3 inputs\n  -1.25 -2 4\n  0 3 -2\n"), "\(result)")
    }
  }

  @Test func `what is compiled in is what stands in the repository`() throws {
    let templates = repository.appending(path: "Templates/plugins")
    let elsewhere = [
      "common/clues_plugin.h": "Sources/CluesPluginABI/include/clues_plugin.h",
      "common/plugin.map": "Plugins/plugin.map",
    ]
    for (path, text) in PluginProject.templates {
      let file = elsewhere[path].map { repository.appending(path: $0) } ?? templates.appending(path: path)
      let isSame = try String(contentsOf: file, encoding: .utf8) == text
      #expect(isSame, "\(path)")
    }
    let files = try FileManager.default.subpathsOfDirectory(atPath: templates.path).filter { $0.contains("/") }
    #expect(Set(files).union(elsewhere.keys) == Set(PluginProject.templates.keys))
  }

  @Test func `a Swift project finds PluginKit wherever it is`() throws {
    let project = try PluginProject("odd", language: .swift, kind: .scorer, pluginKit: "/a \"b\"\\c")
    let package = try #require(project.files.first { $0.path == "Package.swift" })
    #expect(package.text.contains(#".package(path: "/a \"b\"\\c")"#))
    #expect(package.text.contains(#"name: "OddPlugin""#))
  }

  @Test(arguments: [
    "", "Upper", "9lives", "-x", "x-", "a/b", "..", "a_b", "ä", "a b", String(repeating: "a", count: 65),
  ])
  func `refuses names that are no ids`(_ name: String) throws {
    try withTemporaryFolder { folder in
      let result = try clues(["plugins", "new", "--language", "c", "--", name], in: folder)
      #expect(result.status == 64, "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func `writes into nothing that is there, nor into an archive`() throws {
    try withTemporaryFolder { folder in
      let taken = folder.appending(path: "taken")
      try FileManager.default.createDirectory(at: taken, withIntermediateDirectories: false)
      #expect(try clues(["plugins", "new", "--language", "c", "taken"], in: folder).status == 73)
      #expect(try clues(["plugins", "new", "--language", "c", "--into", "taken", "other"], in: folder).status == 73)
      #expect(try FileManager.default.contentsOfDirectory(atPath: taken.path).isEmpty)
      #expect(try clues(["plugins", "new", "--language", "c", "x.zip"], in: folder).status == 64)
      #expect(try clues(["plugins", "new", "--language", "c", "--into", "a/b", "x.zip"], in: folder).status == 0)
      #expect(FileManager.default.fileExists(atPath: folder.appending(path: "a/b/plugin.c").path))
    }
  }

  @Test func `wants a PluginKit that is one, and only for Swift`() throws {
    try withTemporaryFolder { folder in
      let wrong = try clues(["plugins", "new", "--language", "swift", "--pluginkit", ".", "x"], in: folder)
      #expect(wrong.status == 66, "\(wrong.errors)")
      let kit = repository.appending(path: "PluginKit").path
      #expect(try clues(["plugins", "new", "--language", "c", "--pluginkit", kit, "x"], in: folder).status == 64)
      #expect(try clues(["plugins", "new", "--language", "swift", "--pluginkit", kit, "x"], in: folder).status == 0)
    }
  }
}
