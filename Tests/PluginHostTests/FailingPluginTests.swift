import Diagnostics
import JSON
import PluginHost
import TestSupport
import Testing

/// A plugin that fails ends in an error that says so, never in a wrong result.
@Suite struct FailingPluginTests {
  let unit = MergeUnit(module: "m", space: .delta, inputs: [.init(client: "c", index: 0, weight: 1, stream: 0)])

  func failure(_ where: String, _ status: Int = 5, speaks: Bool = true, services: HostServices = .init()) throws
    -> Failure?
  {
    try withPlugin("failing") { library in
      #expect(throws: Failure.self) {
        let instance = try library.mergeMethods[0].instance(
          ["where": .string(`where`), "status": JSONValue(status), "speaks": .bool(speaks)], services: services)
        if `where` == "merge" {
          var output: Float = 0
          try instance.merge(unit, into: &output)
        } else {
          _ = try instance.coefficients(unit)
        }
      }
    }
  }

  @Test(arguments: ["create", "coefficients", "merge"]) func theLastSentenceIsTold(_ place: String) throws {
    #expect(
      try failure(place)
        == Failure(
          .pluginFailed, "the moon is in the wrong place", tensor: place == "create" ? nil : "m", plugin: "failing",
          code: .quoted))
  }

  @Test(arguments: ["create", "coefficients", "merge"]) func silenceIsAFaultOfThePlugin(_ place: String) throws {
    let failure = try failure(place, 3, speaks: false)
    #expect(failure?.statement == "plugin 'failing' failed with status 3 and gave no reason")
    #expect(failure?.kind == .pluginFailed)
    #expect(failure?.advice == "this is a fault of the plugin: tell its author")
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6, 65, 78, 99]) func whateverTheStatusItIsThePluginThatFails(_ status: Int) throws {
    #expect(try failure("coefficients", status)?.kind == .pluginFailed)
  }

  /// What ships with Clues is Clues: what it refuses is an error of the data or the recipe.
  @Test(arguments: [(2, .badRecipe), (5, .badData), (6, .pluginFailed)] as [(Int, Failure.Kind)])
  func theStatusOfABuiltInPluginDecidesTheKind(_ status: Int, _ kind: Failure.Kind) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "failing.so").path
      try Compiler.clang.compilePlugin(fixture("plugins/failing.c"), to: path)
      let failure = #expect(throws: Failure.self) {
        try PluginLibraryFile(loading: path).mergeMethods[0].instance(
          ["where": "create", "status": JSONValue(status), "speaks": true])
      }
      #expect(failure == Failure(kind, "the moon is in the wrong place", plugin: "failing", code: .quoted))
      #expect(failure?.description == "error: plugin 'failing': the moon is in the wrong place")
    }
  }

  @Test func onlyTheUserInterrupts() throws {
    let cancelled = HostServices(isCancelled: { true })
    #expect(try failure("coefficients", 1, services: cancelled) == Interruption.failure)
    #expect(try failure("coefficients", 1, speaks: false, services: cancelled)?.kind == .interrupted)
    #expect(try failure("coefficients", 1, speaks: false)?.kind == .pluginFailed)
  }

  @Test(arguments: ["nan", "infinity"]) func coefficientsMustBeNumbers(_ place: String) throws {
    #expect(
      try failure(place)
        == Failure(
          .pluginFailed, "gave a coefficient that is not a finite number", tensor: "m", plugin: "failing"))
  }
}
