import Foundation
import PluginHost
import TestSupport
import Testing

@testable import PluginChecks

/// What ships with Clues keeps the contract.
@Suite struct BuiltInTests {
  static let libraries = (try? FileManager.default.contentsOfDirectory(atPath: PluginSearchPath.executableFolder))!
    .filter { $0.hasPrefix("libCluesPlugin") && $0.hasSuffix(".so") }.sorted()

  @Test func `there are libraries to check`() { #expect(Self.libraries.count >= 6) }

  @Test(arguments: libraries) func `passes every check`(_ library: String) throws {
    try withTemporaryFolder { folder in
      // The libraries that ship with Clues carry no manifest: they are loaded at once.
      let copy = folder.appending(path: library).path
      try FileManager.default.copyItem(atPath: PluginSearchPath.executableFolder + "/" + library, toPath: copy)
      try mark(copy)
      let settings = PluginChecker.Settings(seed: 11, workers: workerSettings(time: .seconds(120)), lanes: 2)
      let report = try PluginChecker(path: copy, settings: settings).report()
      #expect(report.isPassed, "\(report.text)")
      #expect(report.count(.success) >= 25, "\(report.text)")
    }
  }

  /// Makes the plugin of Documentation/PluginABI.md and lends its path.
  func withDocumentedPlugin(_ body: (String) throws -> Void) throws {
    let text = try String(contentsOf: repository.appending(path: "Documentation/PluginABI.md"), encoding: .utf8)
    let block = try #require(text.components(separatedBy: "\n```c\n").dropFirst().first)
    try withTemporaryFolder { folder in
      let source = folder.appending(path: "maximum.c").path
      try Data((block.components(separatedBy: "\n```\n")[0] + "\n").utf8).write(to: URL(filePath: source))
      let path = folder.appending(path: "maximum.so").path
      try compile(source, to: path)
      try body(path)
    }
  }

  func report(of path: String, only ids: [String] = []) throws -> CheckReport {
    try PluginChecker(path: path, settings: .init(seed: 3, workers: workerSettings(), lanes: 2)).report(only: ids)
  }

  @Test func `the plugin of the documents passes every check`() throws {
    try withDocumentedPlugin { path in
      try mark(path)
      let report = try report(of: path)
      #expect(report.isPassed, "\(report.text)")
    }
  }

  @Test func `a manifest must be there and be true`() throws {
    try withDocumentedPlugin { path in
      let bare = try report(of: path, only: ["manifest"])
      #expect(bare.results.first?.status == .failed)
      #expect(bare.text.contains("has no manifest"))
      try mark(path) { $0 = $0.replacing("\"default\": 1", with: "\"default\": 2") }
      let lying = try report(of: path, only: ["manifest"])
      #expect(lying.results.first?.status == .failed)
      let message = lying.results.first?.findings.first?.message ?? ""
      #expect(message.contains("merge_methods.maximum.parameters.lambda.default is 2"), "\(message)")
    }
  }

  @Test func `the same seed draws the same`() throws {
    try withDocumentedPlugin { path in
      let first = try report(of: path, only: ["by-chance", "one-input", "sizes"])
      #expect(try first.json == report(of: path, only: ["by-chance", "one-input", "sizes"]).json)
    }
  }
}
