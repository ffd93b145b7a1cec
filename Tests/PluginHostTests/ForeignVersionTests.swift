import Diagnostics
import Foundation
import JSON
import PluginHost
import TestSupport
import Testing

/// Plugins from the future work; plugins that break the contract are refused, and the refusal says how.
@Suite struct ForeignVersionTests {
  @Test func aLaterMinorVersionWorks() throws {
    try withPlugin("future") { library in
      #expect(library.abiMinor == 99)
      let method = try #require(library.mergeMethods.first)
      #expect(method.spaces == [.stack])
      #expect(!method.wantsInnerProducts && !method.wantsAdapterInnerProducts)
      let unit = MergeUnit(module: "m", space: .stack, inputs: [.init(client: "c", index: 0, weight: 3, stream: 0)])
      #expect(try method.instance().coefficients(unit) == [6])
      let scorer = try #require(library.scorers.first)
      let instance = try scorer.makeInstance(
        ParameterValues(schema: scorer.about.parameters, of: "future"), services: .init())
      let needs = try instance.needs()
      #expect(needs.map(\.columns) == [["loss"], ["loss"]])
      // Evidence that nobody knows is in no set that a host could offer.
      #expect(!needs[0].evidence.isEmpty && needs[1].evidence.isEmpty)
      try instance.begin(
        ScoringCheckpoint(
          alternative: 1, client: "c", step: 1, index: 0, count: 1, splits: [.train, .train], ids: ["x", "y"]))
      #expect(try instance.endCheckpoint() == [.value(0), .value(1)])
    }
  }

  /// The number of a fault is its place in broken.c.
  @Test(arguments: [
    (1, "does not run in this host, which offers version 1.0 of the contract"),
    (2, "describes itself with 16 bytes instead of 80"),
    (3, "gives neither its name nor its version"),
    (4, "claims 1 entries that do not exist"),
    (5, "its entry 0 is missing"),
    (6, "describes a merge method with 112 bytes instead of 120"),
    (7, "has a merge method without id or summary"),
    (8, "describes an entry with 40 bytes instead of 48"),
    (9, "has a merge method without id or summary"),
    (10, "names an entry 'Bad_Id'; ids are made of lower case letters, digits, '-' and '.'"),
    (11, "names an entry ''; ids are made of lower case letters, digits, '-' and '.'"),
    (12, "its merge method 'broken' lacks create, destroy, or both coefficients and merge"),
    (13, "its merge method 'broken' lacks create, destroy, or both coefficients and merge"),
    (14, "its merge method 'broken' does not work in its own default space"),
    (15, "its merge method 'broken' does not work in its own default space"),
    (16, "its merge method 'broken' does not work in its own default space"),
    (17, "its merge method 'broken' does not take float32"),
    (18, "its merge method 'broken' lacks a function of its survey"),
    (19, "describes a scorer with 8 bytes instead of 96"),
    (20, "its scorer 'broken' lacks a function of the contract"),
    (21, "its scorer 'broken' scores something that this host does not know"),
    (22, "describes a threshold rule with 0 bytes instead of 40"),
    (23, "its threshold rule 'broken' lacks a function of the contract"),
    (24, "its merge method 'broken' has both coefficients and a survey, which cannot be combined"),
    (25, "its merge method 'broken' wants 17 passes over the adapter, more than the limit of 16"),
    (30, "its merge method 'broken' lacks one of merge, note_size, note and merge_rows"),
  ])
  func brokenTablesAreRefused(_ fault: Int, _ message: String) throws {
    let failure = #expect(throws: Failure.self) { try withPlugin("broken", ["FAULT=\(fault)"]) { _ in } }
    #expect(failure?.message == message)
    #expect(failure?.kind == .pluginFailed)
    #expect(failure?.file?.hasSuffix("broken.so") == true)
  }

  @Test(arguments: [
    (26, "claims 2 columns that do not exist"), (27, "does not name its column 1"),
    (28, "wants a choice of checkpoints that this host does not know"),
    (29, "lists more than 64 ways to compute its scores"),
  ])
  func brokenNeedsAreRefused(_ fault: Int, _ message: String) throws {
    try withPlugin("broken", ["FAULT=\(fault)"]) { library in
      let scorer = try library.scorers[0].makeInstance(
        ParameterValues(schema: library.scorers[0].about.parameters, of: "broken"), services: .init())
      #expect(throws: Failure(.pluginFailed, message, plugin: "broken")) { try scorer.needs() }
    }
  }

  @Test func withoutAFaultItLoads() throws {
    try withPlugin("broken", ["FAULT=0"]) { #expect($0.entries.count == 3) }
  }

  @Test(arguments: [
    ("{", "broken: its parameters are not JSON: expected a key in double quotes"),
    ("[]", "broken: its parameters are a list instead of an object"),
    (#"{"a": {"type": "vector"}}"#, "broken: its parameter 'a' has none of the types number, integer, boolean, string"),
  ])
  func brokenSchemasAreRefused(_ schema: String, _ message: String) throws {
    let literal = JSONValue.string(schema).text()
    let failure = #expect(throws: Failure.self) {
      try withPlugin("broken", ["FAULT=0", "PARAMETERS=\(literal)"]) { _ in }
    }
    #expect(failure?.message == message)
    #expect(failure?.kind == .pluginFailed)
  }

  @Test func whatIsNoPluginIsRefused() throws {
    try withTemporaryFolder { folder in
      func load(_ name: String) -> Failure? {
        #expect(throws: Failure.self) { try PluginLibraryFile(loading: folder.appending(path: name).path) }
      }
      let source = folder.appending(path: "nothing.c").path
      try Data("int nothing(void);\nint nothing(void) { return 0; }\n".utf8).write(to: URL(filePath: source))
      try Compiler.clang.compilePlugin(source, to: folder.appending(path: "nothing.so").path)
      #expect(load("nothing.so")?.message == "exports no clues_plugin_entry_v1")

      try Data("int missing(void);\nint f(void) { return missing(); }\n".utf8).write(to: URL(filePath: source))
      try Compiler.clang.compile(
        source, to: folder.appending(path: "unresolved.so").path, ["-shared", "-fPIC", "-Wno-missing-prototypes"])
      #expect(load("unresolved.so")?.message.contains("undefined symbol: missing") == true)

      try Data("no library".utf8).write(to: folder.appending(path: "text.so"))
      #expect(load("text.so")?.message.hasPrefix("cannot be loaded: ") == true)
      #expect(load("absent.so")?.message.contains("No such file") == true)
    }
  }
}
