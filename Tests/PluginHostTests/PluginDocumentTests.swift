import Foundation
import PluginHost
import TestSupport
import Testing

/// What Documentation/PluginABI.md shows is true.
@Suite struct PluginDocumentTests {
  func document() throws -> String {
    try String(contentsOf: repository.appending(path: "Documentation/PluginABI.md"), encoding: .utf8)
  }

  @Test(arguments: [Compiler.gcc, .clang]) func theSmallestMergeMethodWorks(_ compiler: Compiler) throws {
    let blocks = try document().components(separatedBy: "\n```c\n").dropFirst()
    let source = try #require(blocks.first?.components(separatedBy: "\n```\n").first)
    #expect(blocks.count == 1)
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "maximum.c").path
      try Data((source + "\n").utf8).write(to: URL(filePath: file))
      let plugin = folder.appending(path: "maximum.so").path
      try compiler.compilePlugin(file, to: plugin)
      try mark(plugin)
      #expect(try builtInCatalog([folder.path]).problems.isEmpty)
      let method = try UntrustedLibrary(path: plugin, trust: .empty).library(untrustedIn: workerSettings())
        .mergeMethods[
          0]
      #expect(method.about.kind == .mergeMethod)
      #expect(!method.isLinear)
      #expect(method.spaces == [.core, .delta, .factors])
      #expect(method.defaultSpace == .delta)
      #expect(method.about.library.version == "1.0.0")
      let merged = try method.merge(
        [[1, -5, 0, 2, 0, 0], [-3, 4, 0, 2, 0, -1]], rows: 2, columns: 3, weights: [1, 0.5], ["lambda": 2])
      #expect(merged == [-3, -10, 0, 4, 0, -1])
      #expect(try method.merge([[1.5, -2]], rows: 1, columns: 2) == [1.5, -2])
      #expect(try method.merge([[], []], rows: 0, columns: 3).isEmpty)
    }
  }

  @Test func itsLinksLeadSomewhere() throws {
    let links = try document().matches(of: /\]\(([^)]+)\)/).map { String($0.output.1) }
    #expect(links.count >= 3)
    for link in links {
      let target = repository.appending(path: "Documentation").appending(path: link).standardizedFileURL.path
      #expect(FileManager.default.fileExists(atPath: target), "\(link)")
    }
  }

  @Test func itSpeaksOfWhatTheHeaderHas() throws {
    let header = try String(
      contentsOf: repository.appending(path: "Sources/CluesPluginABI/include/clues_plugin.h"), encoding: .utf8)
    for name in try document().matches(of: /`(CLUES_[A-Z0-9_]+|[a-z]+_[a-z_]+)`/) where name.output.1 != "struct_size" {
      let name = String(name.output.1)
      let others = ["clues_plugin_entry_v2", "CLUES_PLUGIN_PATH", "clues_manifest", "cblas_sdot"]
      let isKnown = header.contains(name) || others.contains(name)
      #expect(isKnown, "\(name)")
    }
  }
}
