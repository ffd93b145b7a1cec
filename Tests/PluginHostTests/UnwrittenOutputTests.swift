import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import PluginHost

/// A plugin that says that all is well and wrote nothing, or not all, gives no result: here as in a worker.
@Suite struct UnwrittenOutputTests {
  @Test(arguments: [0, 1, 5]) func matrices(_ written: Int) throws {
    try withPlugin("silent") { library in
      let failure = try failure {
        try library.mergeMethods[0].merge(
          [[1, 2, 3, 4, 5, 6]], rows: 2, columns: 3, ["written": JSONValue(written)])
      }
      #expect(
        failure
          == .breach(by: "silent", "has left \(6 - written) of 6 numbers of its output unwritten", tensor: "m"))
      #expect(
        try library.mergeMethods[0].merge([[1, 2, 3, 4, 5, 6]], rows: 2, columns: 3, ["written": 6])
          == [1, 1, 1, 1, 1, 1])
    }
  }

  /// Memory that a module before has used looks like a result.
  @Test func whatAnotherModuleLeftIsNoResult() throws {
    try withPlugin("silent") { library in
      let writing = try library.mergeMethods[0].instance(["written": 4])
      let silent = try library.mergeMethods[0].instance(["written": 3])
      let values = UnsafeMutablePointer<Float>.allocate(capacity: 4)
      values.initialize(repeating: 7, count: 4)
      defer { values.deallocate() }
      func unit(_ name: String) -> MergeUnit {
        MergeUnit(
          module: name, space: .delta, rows: 2, columns: 2,
          inputs: [.init(client: "c", index: 0, weight: 1, stream: 0, values: UnsafePointer(values))])
      }
      var output = [Float](repeating: 0, count: 4)
      try writing.merge(unit("first"), into: &output)
      #expect(output == [1, 1, 1, 1])
      let failure = try failure { try silent.merge(unit("second"), into: &output) }
      #expect(failure.kind == .pluginFailed && failure.tensor == "second")
    }
  }

  @Test func rows() throws {
    try withPlugin("silent") { library in
      let instance = try library.mergeMethods[0].instance(["written": 2, "notes": true])
      #expect(try instance.noteSize() == 8)
      let values: [Float] = [1, 2, 3, 4]
      try values.withUnsafeBufferPointer { values in
        var output = [Float](repeating: 0, count: 4)
        let unit = MergeUnit(
          module: "m", space: .factors, part: .b, rows: 2, columns: 2,
          inputs: [.init(client: "c", index: 0, weight: 1, stream: 0, values: values.baseAddress)])
        let notes: [UInt64] = [0]
        let failure = try failure { try instance.mergeRows(unit, from: 0, notes: notes, into: &output) }
        #expect(failure.statement == "plugin 'silent' has left 2 of 4 numbers of its output unwritten")
        #expect(failure.kind == .pluginFailed && failure.tensor == "m")
      }
    }
  }

  @Test(arguments: [0, 1]) func coefficients(_ written: Int) throws {
    try withPlugin("silent") { library in
      let instance = try library.mergeMethods[1].instance(["written": JSONValue(written)])
      let unit = MergeUnit(
        module: "m", space: .stack,
        inputs: (0..<2).map { .init(client: "c\($0)", index: $0, weight: 1, stream: 0) })
      let failure = try failure { try instance.coefficients(unit) }
      #expect(
        failure
          == Failure(
            .pluginFailed, "gave a coefficient that is not a finite number", tensor: "m", plugin: "silent-sum"))
    }
  }

  private func scorer(_ library: PluginLibraryFile, _ place: Int, written: Int) throws -> ScorerInstance {
    let plugin = library.scorers[place]
    return try plugin.makeInstance(
      ParameterValues(["written": JSONValue(written)], schema: plugin.about.parameters, of: plugin.about.id),
      services: .init())
  }

  @Test(arguments: [0, 2]) func scoresOfSamples(_ written: Int) throws {
    try withPlugin("silent") { library in
      let checkpoint = ScoringCheckpoint(
        alternative: 0, client: "c0", step: 1, index: 0, count: 1, splits: [.train, .train, .train],
        ids: ["a", "b", "c"])
      let expected = Failure.breach(
        by: "silent-samples", "gave neither a score nor a reason for number \(written + 1) of 3", client: "c0")
      let instance = try scorer(library, 0, written: written)
      try instance.begin(checkpoint)
      #expect(try failure { try instance.endCheckpoint() } == expected)
      let other = try scorer(library, 0, written: written)
      try other.begin(checkpoint)
      #expect(try failure { try other.finish([[.value(1), .value(2), .value(3)]]) } == expected)
    }
  }

  /// A value that is no number is a fact about the sample, not a fault of the plugin.
  @Test func whatIsWrittenIsRead() throws {
    try withPlugin("silent") { library in
      let instance = try scorer(library, 0, written: 3)
      try instance.begin(
        ScoringCheckpoint(
          alternative: 0, client: "c0", step: 1, index: 0, count: 1, splits: [.train, .train, .train],
          ids: ["a", "b", "c"]))
      #expect(
        try instance.endCheckpoint() == [.unscored("the scorer gave nan"), .unscored("it is the second"), .value(2)])
    }
  }

  @Test func scoresOfClients() throws {
    try withPlugin("silent") { library in
      let collection = ScoringCollection(
        clients: ["a", "b"], anchors: [false, true], owners: [0, 1], steps: [1, 1], innerProducts: [1, 0, 0, 1])
      let failure = try failure { try scorer(library, 1, written: 1).score(collection) }
      #expect(failure.kind == .pluginFailed)
      #expect(
        failure.statement == "plugin 'silent-clients' gave neither a score nor a reason for number 2 of 2")
    }
  }

  @Test(arguments: [0, 1]) func thresholds(_ written: Int) throws {
    try withPlugin("silent") { library in
      let rule = library.thresholdRules[0]
      let parameters = try ParameterValues(
        ["written": JSONValue(written)], schema: rule.about.parameters, of: rule.about.id)
      let clients: [ThresholdRulePlugin.ClientScores] = ["a", "b"].map {
        .init(client: $0, values: [1], splits: [.anchor])
      }
      let failure = try failure { try rule.thresholds(for: clients, parameters, services: .init()) }
      #expect(
        failure
          == .breach(by: "silent-rule", "gave no threshold for client '\(written == 0 ? "a" : "b")'"))
      #expect(failure.advice == "this is a fault of the plugin: tell its author")
    }
  }
}
