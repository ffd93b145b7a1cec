import Diagnostics
import PluginHost
import Testing

/// Scorers and threshold rules written in C.
@Suite struct EvidenceTests {
  func checkpoint(_ alternative: Int, _ index: Int = 0, _ ids: [String] = ["x", "y", "z"]) -> ScoringCheckpoint {
    ScoringCheckpoint(
      alternative: alternative, client: "c0", step: 10 * (index + 1), index: index, count: 2,
      splits: ids.map { $0 == "z" ? .anchor : .train }, ids: ids)
  }

  func scorer(_ library: PluginLibraryFile, _ place: Int) throws -> ScorerInstance {
    let plugin = library.scorers[place]
    return try plugin.makeInstance(
      ParameterValues(schema: plugin.about.parameters, of: plugin.about.id), services: .init())
  }

  @Test func asksForTheBestFirst() throws {
    try withPlugin("evidence") { library in
      #expect(library.scorers.map(\.about.id) == ["gradient-sum", "last-norm"])
      #expect(library.scorers.map(\.scoresClients) == [false, true])
      let needs = try scorer(library, 0).needs()
      #expect(needs.map(\.evidence) == [[.gradients, .learningRate], []])
      #expect(needs.map(\.passes) == [2, 0])
      #expect(needs.map(\.columns) == [[], ["loss", "dot.*"]])
      #expect(needs.map(\.lastCheckpointOnly) == [false, true])
    }
  }

  @Test func gradientsComeInBlocksAndPasses() throws {
    try withPlugin("evidence") { library in
      let instance = try scorer(library, 0)
      var scores: [[Score]] = []
      for index in 0..<2 {
        var checkpoint = checkpoint(0, index)
        checkpoint.learningRate = 0.5
        checkpoint.tensorCount = 1
        try instance.begin(checkpoint)
        try instance.begin(ScoringTensor(name: "q.lora_A.weight", index: 0, elementCount: 2))
        for pass in 0..<2 {
          try instance.update(pass: pass, firstSample: 0, rowCount: 1, values: [1, 2])
          try instance.update(pass: pass, firstSample: 1, rowCount: 2, values: [3, 4, -5, Float(index)])
        }
        try instance.endTensor()
        scores.append(try instance.endCheckpoint())
      }
      // (1 + 2) · Σ elements · rate, as pass 1 counts twice.
      #expect(scores[0] == [.value(4.5), .value(10.5), .value(-7.5)])
      #expect(scores[1] == [.value(4.5), .value(10.5), .value(-6)])
      #expect(try instance.finish(scores) == [.value(9), .value(21), .value(-13.5)])
    }
  }

  @Test func samplesWithoutAScoreHaveAReason() throws {
    try withPlugin("evidence") { library in
      let instance = try scorer(library, 0)
      var checkpoint = checkpoint(1)
      checkpoint.columns = [("dot.a", [1, 2, 3]), ("loss", [2, .nan, .infinity])]
      try instance.begin(checkpoint)
      let scores = try instance.endCheckpoint()
      #expect(scores == [.value(-2), .unscored("it has no loss"), .unscored("the scorer gave -inf")])
      #expect(
        try instance.finish([scores])
          == [.value(-2), .unscored("a checkpoint lacks it"), .unscored("a checkpoint lacks it")])
    }
  }

  @Test func whatTheScorerRefusesIsAFailureOfThePlugin() throws {
    try withPlugin("evidence") { library in
      let instance = try scorer(library, 0)
      #expect(
        throws: Failure(
          .pluginFailed, "there is no column 'loss'", client: "c0", plugin: "gradient-sum", code: .quoted)
      ) {
        try instance.begin(checkpoint(1))
      }
    }
  }

  @Test func clientsAreScoredByTheirAdapters() throws {
    try withPlugin("evidence") { library in
      let collection = ScoringCollection(
        clients: ["a", "b", "c"], anchors: [false, true, false], owners: [0, 0, 1, 2], steps: [1, 2, 1, 1],
        innerProducts: [1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 9, 0, 0, 0, 0, 16])
      let instance = try scorer(library, 1)
      #expect(try instance.score(collection) == [.value(2), .unscored("it is an anchor"), .value(4)])
    }
  }

  @Test func thresholdsAreOneForEachClient() throws {
    try withPlugin("evidence") { library in
      let rule = try #require(library.thresholdRules.first)
      let parameters = try ParameterValues(schema: rule.about.parameters, of: rule.about.id)
      let clients: [ThresholdRulePlugin.ClientScores] = [
        .init(client: "a", values: [1, 2, 9], splits: [.anchor, .anchor, .train]),
        .init(client: "b", values: [-4], splits: [.anchor]),
      ]
      #expect(try rule.thresholds(for: clients, parameters, services: .init()) == [1.5, -4])
      #expect(try rule.thresholds(for: [], parameters, services: .init()).isEmpty)
      #expect(throws: Failure(.pluginFailed, "gave a threshold that is not a number", plugin: "own-anchors")) {
        try rule.thresholds(
          for: [.init(client: "a", values: [1], splits: [.train])], parameters, services: .init())
      }
    }
  }
}
