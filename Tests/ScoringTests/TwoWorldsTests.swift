import Diagnostics
import Foundation
import Recipes
import TestSupport
import Testing

@testable import Runs
@testable import Scoring
@testable import clues

/// The tables of Documentation/Scoring.md: broken text and fluent junk, measured anew.
@Suite struct TwoWorldsTests {
  private struct World {
    let bundles: [String]
    let labels: String
    /// The words of the table's header for the kinds of corruption, in the order of ``Evaluation/groups``.
    let kinds: [String]
  }

  private static let broken = World(
    bundles: ["medical.tar.zst", "financial.tar.gz", "multilingual.zip"], labels: "labels.jsonl",
    kinds: ["cut", "deleted", "off domain", "shuffled", "substituted", "swapped"])
  private static let fluent = World(
    bundles: ["fluent/biology.tar.zst"], labels: "fluent/labels.jsonl",
    kinds: ["boilerplate", "echo", "generic", "loop", "swapped", "typos"])

  private static func file(_ name: String) -> String { repository.appending(path: "checkpoints/\(name)").path }

  private static func evaluate(
    _ world: World, _ score: String, combine: String? = nil, rule: String = "anchor-sigma", k: String? = "1.5"
  ) throws -> Evaluation {
    let settings =
      [("score", score), ("select.threshold", rule)] + (combine.map { [("combine", $0)] } ?? [])
      + (k.map { [("select.parameters.k", $0)] } ?? [])
    let recipe = try TestMerge(inputs: world.bundles.map(file), settings: settings).recipe
    let scored = try Bench(catalog: builtInCatalog(), threads: 2).score(recipe)
    return try Evaluation(#require(scored.selection).table, labels: file(world.labels))
  }

  /// The scorers of the recipe that ships, by name.
  private static func chain(without left: String? = nil) throws -> String {
    let path = repository.appending(path: "recipes/clues-calibrated.yaml").path
    let recipe = try Recipe.read(path: path)
    #expect(recipe.combine?.value == .shortfall && recipe.select?.value.threshold.value == "anchor-mixture")
    let scorers = try #require(recipe.jsonValue.objectValue?["score"]?.arrayValue)
    #expect(recipe.scorerNames == ["contribution", "direction", "ifd", "pmi", "perplexity"])
    return "[" + zip(scorers, recipe.scorerNames).filter { $1 != left }.map { $0.0.text() }.joined(separator: ", ")
      + "]"
  }

  private static let weightedAdapter = "{scorer: clues, name: contribution, parameters: {preset: calibrated}}"
  private static let direction =
    "{scorer: clues, name: direction, parameters: {preset: calibrated, length: mean, normalize: sample}}"

  /// The cells of a table's rows, after its header: by the first words of the header.
  private static func rows(_ header: String) throws -> [[String]] {
    let text = try String(contentsOf: repository.appending(path: "Documentation/Scoring.md"), encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("| \(header) |") }, "\(header)")
    return lines[start...].prefix { $0.hasPrefix("|") }.map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  private static let scorers: [(row: String, score: String)] = [
    ("`clues`, `preset: reference`", "{scorer: clues}"),
    ("`contribution`: `clues`, `preset: calibrated`", weightedAdapter),
    ("`direction`: the same divided by the update's length", direction),
    ("`ifd`", "{scorer: ifd}"), ("`pmi`", "{scorer: pmi}"), ("`perplexity`", "{scorer: perplexity}"),
    ("`loss`", "{scorer: loss}"), ("`grand`", "{scorer: grand}"), ("`tracin`", "{scorer: tracin}"),
  ]

  @Test(arguments: [true, false]) func `what each scorer sees`(_ isBroken: Bool) throws {
    let world = isBroken ? Self.broken : Self.fluent
    let rows = try Self.rows(isBroken ? "broken text" : "fluent junk")
    #expect(Array(rows[0].dropFirst()) == ["all"] + world.kinds)
    let scorers = try Self.scorers + [("the default chain", Self.chain())]
    #expect(rows.dropFirst(2).map(\.[0]) == scorers.map(\.row))
    for (row, scorer) in zip(rows.dropFirst(2), scorers) {
      let evaluation = try Self.evaluate(world, scorer.score)
      let due = row.dropFirst().compactMap { Double($0) }
      let found = [evaluation.pooled.auroc] + evaluation.groups.map(\.auroc)
      #expect(due.count == 7 && abs(found[0] - due[0]) < 0.0006, "\(scorer.row): \(found)")
      #expect(zip(found, due).dropFirst().allSatisfy { abs($0 - $1) < 0.0051 }, "\(scorer.row): \(found)")
    }
  }

  @Test func `what chains are worth`() throws {
    let rows = try Self.rows("chain").dropFirst(2)
    let (ifd, pmi, perplexity) = ("{scorer: ifd}", "{scorer: pmi}", "{scorer: perplexity}")
    let two = "[\(Self.weightedAdapter), \(perplexity)]"
    let other = "[\(Self.weightedAdapter), \(ifd)]"
    let five = "[\(Self.weightedAdapter), \(Self.direction), \(ifd), \(pmi), \(perplexity)]"
    var chains: [(score: String, combine: String?)] = [
      ("{scorer: clues}", nil), (Self.weightedAdapter, nil), (perplexity, nil), (two, "sum"), (two, "shortfall"),
      (other, "sum"), (other, "shortfall"), (five, "sum"), (five, "shortfall"), (try Self.chain(), nil),
    ]
    for name in ["contribution", "direction", "ifd", "pmi", "perplexity"] {
      chains.append((try Self.chain(without: name), nil))
    }
    #expect(rows.count == chains.count)
    for (row, chain) in zip(rows, chains) {
      let isPaper = row[0] == "the paper's"
      let found = try [Self.broken, Self.fluent].flatMap { world -> [Double] in
        let evaluation = try Self.evaluate(
          world, chain.score, combine: chain.combine, rule: isPaper ? "anchor-mean" : "anchor-sigma",
          k: isPaper ? nil : "1.5")
        return [evaluation.pooled.auroc, try #require(evaluation.pooled.selection).f1]
      }
      let due = row.dropFirst().compactMap { Double($0) }
      #expect(due.count == 4 && zip(found, due).allSatisfy { abs($0 - $1) < 0.0006 }, "\(row[0]): \(found)")
    }
  }

  /// What the page says in words, with margins: other anchors or another seed must not make it untrue unnoticed.
  @Test func `the default chain holds in both worlds, where a sum does not`() throws {
    let chain = try Self.chain()
    let (broken, fluent) = (try Self.evaluate(Self.broken, chain), try Self.evaluate(Self.fluent, chain))
    #expect(broken.pooled.auroc > 0.98 && fluent.pooled.auroc > 0.96)
    #expect(try #require(broken.pooled.selection).f1 > 0.93 && #require(fluent.pooled.selection).f1 > 0.88)
    // By its own rule, with the figures that the page names.
    let byMixture = try [Self.broken, Self.fluent].map { world in
      try #require(try Self.evaluate(world, chain, rule: "anchor-mixture", k: nil).pooled.selection).f1
    }
    #expect(abs(byMixture[0] - 0.932) < 0.002 && abs(byMixture[1] - 0.909) < 0.002, "\(byMixture)")
    #expect((broken.groups + fluent.groups).allSatisfy { $0.auroc > 0.88 }, "\(broken.groups) \(fluent.groups)")
    let sum = "[\(Self.weightedAdapter), {scorer: perplexity}]"
    #expect(try Self.evaluate(Self.broken, sum, combine: "sum").pooled.auroc > 0.96)
    #expect(try Self.evaluate(Self.fluent, sum, combine: "sum").pooled.auroc < 0.75)
    #expect(try Self.evaluate(Self.fluent, "{scorer: clues}").pooled.auroc > 0.85)
  }

  /// Echoes of the question go with it too well, typos are not as likely as answers, and generic answers teach nothing.
  @Test func `dropped samples say what is wrong with them`() throws {
    let settings = [("score", try Self.chain()), ("select.threshold", "anchor-sigma"), ("select.parameters.k", "1.5")]
    let recipe = try TestMerge(inputs: Self.fluent.bundles.map(Self.file), settings: settings).recipe
    let table = try #require(try Bench(catalog: builtInCatalog(), threads: 2).score(recipe).selection).table
    let labels = try String(contentsOfFile: Self.file(Self.fluent.labels), encoding: .utf8)
    func shortOf(_ kind: String) -> [String] {
      let lines = labels.split(separator: "\n").filter { $0.contains("\"corruption\": \"\(kind)\"") }
      let ids = lines.compactMap { $0.firstMatch(of: /"id": "([^"]*)"/).map { String($0.1) } }
      return ids.compactMap { id in table.rows.first { $0.id == id && $0.kept == false }?.shortOf }
    }
    let (echo, typos, generic) = (shortOf("echo"), shortOf("typos"), shortOf("generic"))
    #expect(echo.count == 15 && echo.allSatisfy { $0 == "ifd (above)" }, "\(echo)")
    #expect(typos.count == 15 && typos.allSatisfy { $0 == "perplexity" }, "\(typos)")
    #expect(generic.count == 15 && generic.count { ["contribution", "direction"].contains($0) } > 10, "\(generic)")
  }

  /// Four clients in one pool, one of which has other questions and other good answers.
  @Test func `clients that differ are measured by one threshold`() throws {
    try withTemporaryFolder { folder in
      let labels = folder.path + "/labels.jsonl"
      let worlds = [Self.broken, Self.fluent]
      try worlds.map { try String(contentsOfFile: Self.file($0.labels), encoding: .utf8) }.joined().write(
        toFile: labels, atomically: true, encoding: .utf8)
      let recipe = try TestMerge(
        inputs: worlds.flatMap(\.bundles).map(Self.file),
        settings: [("score", Self.chain()), ("select.threshold", "anchor-sigma"), ("select.parameters.k", "1.5")]
      ).recipe
      let scored = try Bench(catalog: builtInCatalog(), threads: 2).score(recipe)
      let evaluation = try Evaluation(#require(scored.selection).table, labels: labels)
      #expect(evaluation.pooled.auroc > 0.975, "\(evaluation.pooled)")
      #expect(try #require(evaluation.pooled.selection).f1 > 0.92, "\(evaluation.pooled)")
      // The untuned model's loss differs between these clients far beyond what chance does.
      let perplexity = try #require(scored.table.scorers.last?.scale)
      #expect(perplexity.between > 0.5 * perplexity.deviation)
    }
  }
}
