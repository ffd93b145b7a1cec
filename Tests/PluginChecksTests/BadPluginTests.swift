import Foundation
import PluginHost
import TestSupport
import Testing

@testable import PluginChecks

/// Every plugin of Tests/Fixtures/plugins/bad has one fault, and is found out for that and nothing else.
@Suite struct BadPluginTests {
  /// What must be found in a plugin.
  struct Fault: CustomTestStringConvertible, Sendable {
    let plugin: String
    /// The checks that must not be passed, and how each ends.
    let found: [String: CheckStatus]
    /// A part of what is said about it.
    let sentence: String
    /// Checks that find it too, when threads happen to meet.
    var perhaps: Set<String> = []
    var testDescription: String { plugin }

    init(_ plugin: String, _ found: [String: CheckStatus], _ sentence: String, perhaps: Set<String> = []) {
      (self.plugin, self.found, self.sentence, self.perhaps) = (plugin, found, sentence, perhaps)
    }
  }

  static let faults = [
    Fault("traps", ["sizes": .crashed], "crashed (SIGILL) in merge of 3 matrices of 0 × 0 in space core"),
    Fault("aborts-on-nan", ["not-finite": .crashed], "crashed (SIGABRT) in merge", perhaps: ["by-chance"]),
    Fault("loops", ["sizes": .failed], "did not return within 4.0 seconds from merge of 3 matrices of 0 × 0"),
    Fault("forges-reports", ["sizes": .failed], "sends its host messages endlessly in merge of 3 matrices of 0 × 0"),
    Fault("ends-the-process", ["names": .crashed], "ended its process with status 0 in merge"),
    Fault("leaves-a-thread", ["threads-left": .failed], "1 thread that it started is still there"),
    Fault("leaks-memory", ["memory-growth": .failed], "every instance leaves about"),
    Fault("leaks-a-file", ["files-left": .failed], "files open"),
    Fault(
      "writes-outside", ["writes-inside": .failed], "wrote after the end of the output: byte 0 after its 120 bytes"),
    Fault("reads-outside", ["reads-inside": .crashed], "it reaches beyond memory that it was lent"),
    Fault("writes-to-inputs", ["inputs-unchanged": .crashed], "it writes to an input, which is read-only here"),
    Fault("keeps-pointers", ["lent-for-the-call": .crashed], "it uses memory that it was lent for an earlier call"),
    Fault("prints", ["silent": .failed], "writes to standard output: 'merging model.layers.0"),
    Fault("prints-when-loaded", ["silent": .failed], "writes to standard output when loaded: 'hello from a plugin'"),
    Fault("changes-folder", ["surroundings": .failed], "changes the working directory"),
    Fault("changes-rounding", ["surroundings": .failed], "changes the floating-point environment"),
    Fault("changes-locale", ["surroundings": .failed], "changes the locale"),
    Fault("handles-signals", ["surroundings": .failed], "changes the handler of signal 10"),
    Fault(
      "from-the-future", ["contract-version": .failed],
      "claims version 1.99 of the contract, but this host knows at most 1.0"),
    Fault("other-major", ["loads": .failed], "exports clues_plugin_entry_v2, which belongs to another major version"),
    Fault("refuses-newer-hosts", ["host-versions": .warning], "refuses a host of version 1.1"),
    Fault("other-pointer", ["entry-pure": .failed], "the entry returns a different pointer the second time"),
    Fault("exports-blas", ["one-symbol": .failed], "exports 'cblas_sdot' in addition to clues_plugin_entry_v1"),
    Fault("needs-a-symbol", ["loads": .failed], "undefined symbol: clues_nowhere"),
    Fault("slow-to-load", ["load-time": .warning], "ms to load"),
    Fault("declares-nonsense", ["tables": .failed], "has a default that breaks its own rules"),
    Fault("refuses-its-defaults", ["default-parameters": .failed], "refuses its own defaults: CLUES_INVALID_ARGUMENT"),
    Fault("refuses-its-range", ["parameter-values": .failed], "declares 'mu' and refuses every value of it"),
    Fault("trusts-parameters", ["parameter-faults": .crashed], "create reads values that it was not given"),
    Fault("fails-silently", ["error-text": .failed], "answers CLUES_UNSUPPORTED and gives no reason"),
    Fault("takes-everything", ["unknown-values": .failed], "merge answers CLUES_OK to a space that it cannot know"),
    Fault(
      "takes-every-dtype", ["dtypes": .failed], "does not declare float64, and merge reads the elements as another type"
    ),
    Fault("ignores-strides", ["strides": .failed], "rows with gaps between them in space core writes into the gaps"),
    Fault("ignores-rank", ["ranks": .crashed], "it reads more of the shape than there is"),
    Fault("exact-sizes", ["larger-structs": .failed], "answers CLUES_OK and then CLUES_INVALID_ARGUMENT"),
    Fault(
      "by-the-clock", ["repeatable": .failed], "repeated, merge",
      perhaps: [
        "interleaved", "threads", "larger-structs", "output-filled", "initialised", "by-chance", "module-order",
        "input-order", "strides",
      ]),
    Fault("shares-state", ["interleaved": .failed], "alongside another instance, merge", perhaps: ["threads"]),
    Fault("shares-a-buffer", ["threads": .failed], "alongside other threads, merge"),
    Fault(
      "needs-an-extension", ["no-extensions": .failed], "it asks for acme.turbo, and without: it refuses ordinary data"),
    Fault(
      "leaves-gaps", ["output-filled": .failed], "the previous content of the output affects the result",
      perhaps: ["finite"]),
    Fault("writes-nothing", ["output-filled": .failed], "the previous content of the output affects the result: merge"),
    Fault(
      "forgets-a-score", ["output-filled": .failed],
      "the previous content of the output affects the result: end_checkpoint"),
    Fault("reads-rubbish", ["initialised": .failed], "uninitialised memory affects the result"),
    Fault("divides-by-zero", ["zeros": .failed], "with zeros, merge", perhaps: ["by-chance", "input-order"]),
    Fault("takes-roots", ["finite": .failed], "nan at place 0", perhaps: ["one-input"]),
    Fault("divides-by-others", ["one-input": .failed], "with one input, merge of 1 matrices of 6 × 5"),
    Fault("counts-on-positive-weights", ["by-chance": .crashed], "crashed (SIGABRT) in merge"),
    Fault("first-counts-double", ["input-order": .warning], "another order of the inputs gives a different result"),
    Fault("counts-modules", ["module-order": .failed], "in another order of modules, merge"),
    Fault("counts-rows-from-zero", ["rows": .failed], "by rows it gives"),
    Fault("ignores-read-errors", ["read-rows": .failed], "answers CLUES_OK although its rows cannot be read"),
    Fault("reads-other-rows", ["read-rows": .failed], "if rows must be read, merge_rows of rows from 0 on"),
    Fault("counts-on-all-clients", ["survey": .crashed], "in survey of pass 0 with 2 matrices", perhaps: ["by-chance"]),
    Fault("counts-on-short-names", ["names": .crashed], "crashed (SIGABRT) in merge"),
    Fault("deaf", ["cancellation": .warning], "ms after it was cancelled"),
    Fault("ignores-blocks", ["row-blocks": .failed], "in blocks of 1 rows, end_checkpoint"),
    Fault("endless-needs", ["needs": .failed], "lists more than 64 ways"),
    Fault("no-passes", ["needs": .failed], "needs gradients in 0 passes"),
  ]

  /// Compiles a fixture and makes these checks of it, or all.
  static func report(
    of plugin: String, only ids: [String] = [], time: Duration = .seconds(60)
  ) throws -> CheckReport {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: plugin + ".so").path
      try compile(fixture("plugins/bad/\(plugin).c"), to: path)
      // Whoever is not asked for it needs no manifest.
      if ids.isEmpty { try mark(path) }
      let settings = PluginChecker.Settings(seed: 7, workers: workerSettings(time: time), lanes: 2)
      return try PluginChecker(path: path, settings: settings).report(only: ids)
    }
  }

  /// The checks that a faulty plugin is put to: those that must find the fault, and a sixth of the others in turn, which
  /// must not. All of them for all would take minutes.
  static func checks(for fault: Fault) -> [String] {
    let turn = faults.firstIndex { $0.plugin == fault.plugin }!
    return Check.all.enumerated().filter { index, check in
      fault.found[check.id] != nil || (index + turn) % 6 == 0 && check.id != "manifest"
    }.map(\.element.id)
  }

  @Test(arguments: faults) func isFoundOut(_ fault: Fault) throws {
    let report = try Self.report(
      of: fault.plugin, only: Self.checks(for: fault), time: fault.plugin == "loops" ? .seconds(4) : .seconds(60))
    let found = report.results.filter { $0.status.isBad || $0.status == .warning }
      // What a busy machine may be blamed for.
      .filter {
        $0.status != .warning || fault.found[$0.check.id] != nil
          || !["load-time", "cancellation"].contains($0.check.id)
      }
    for result in found {
      let isExpected = fault.found[result.check.id] != nil || fault.perhaps.contains(result.check.id)
      #expect(isExpected, "\(result.check.id): \(result.findings.map(\.message))")
    }
    for (id, status) in fault.found {
      let result = try #require(report.results.first { $0.check.id == id })
      #expect(result.status == status, "\(id): \(result.findings.map(\.message))")
      #expect(result.findings.contains { $0.message.contains(fault.sentence) }, "\(result.findings.map(\.message))")
    }
    #expect(report.isPassed == !fault.found.values.contains(where: \.isBad))
  }

  @Test(arguments: ["good", "good-scorer"]) func whatIsGoodPasses(_ plugin: String) throws {
    let report = try Self.report(of: plugin)
    let other = report.results.filter { $0.status != .success && $0.status != .skipped }
      .filter { !["load-time", "cancellation"].contains($0.check.id) }
    #expect(other.isEmpty, "\(other.map { ($0.check.id, $0.findings) })")
    #expect(report.isPassed)
  }

  @Test func everyFaultyPluginIsInTheList() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: fixture("plugins/bad"))
    let plugins = files.filter { $0.hasSuffix(".c") }.map { String($0.dropLast(2)) }
    #expect(Set(plugins) == Set(Self.faults.map(\.plugin) + ["good", "good-scorer"]))
  }

  @Test func everyCheckIsSeenToFail() {
    let seen = Set(Self.faults.flatMap(\.found.keys))
    // BuiltInTests see to the manifest, which is not compiled but put in.
    #expect(Check.all.map(\.id).filter { !seen.contains($0) } == ["manifest"])
  }
}

/// Compiles a fixture as Documentation/PluginABI.md says.
func compile(_ source: String, to output: String) throws {
  let include = repository.appending(path: "Sources/CluesPluginABI/include").path
  try TestSupport.output(
    "gcc",
    [
      "-std=gnu11", "-O1", "-ffp-contract=off", "-frounding-math", "-Wall", "-Wextra", "-Werror", "-shared",
      "-fPIC", "-fvisibility=hidden", "-I", include, source, "-o", output, "-lm",
    ])
}
