import Diagnostics
import Testing

@testable import Merging

@Suite struct NameAgreementTests {
  /// What is said of clients a, b, … with these layers, all of one shape unless they say more (`name:shape`).
  private func notes(_ clients: [String]...) throws -> [Note] {
    let names = clients.indices.map { String(UnicodeScalar(UInt8(97 + $0))) }
    let layers = clients.map { layers in
      Dictionary(
        uniqueKeysWithValues: layers.map { layer in
          let parts = layer.split(separator: ":")
          return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
        })
    }
    return try NameAgreement(names, layers).notes
  }

  private func layers(_ front: String, _ kinds: String = "q_proj v_proj", _ numbers: Range<Int> = 0..<2) -> [String] {
    numbers.flatMap { layer in kinds.split(separator: " ").map { "\(front)layers.\(layer).self_attn.\($0)" } }
  }

  @Test(arguments: [
    ("model.", ""), ("", "model."),
    // Vision-language models before and after transformers 4.52.
    ("language_model.model.", "model.language_model."), ("model.", "model.language_model."),
    ("model.", "language_model.model."), ("visual.", "model.visual."),
    ("vision_tower.vision_model.encoder.", "model.vision_tower.vision_model.encoder."),
    ("", "0.auto_model."), ("thinker.model.", "model."), ("encoder.", "bert.encoder."),
    // A wrapper further inside.
    ("model.", "model.module."),
  ]) func oneLayerUnderTwoNamesIsRefused(_ mine: String, _ theirs: String) throws {
    let failure = try #require(throws: Failure.self) { try notes(layers(mine), layers(theirs)) }
    #expect(failure.kind == .badData)
    let names = ["\(mine)layers.0.self_attn.q_proj", "\(theirs)layers.0.self_attn.q_proj"]
    #expect(
      failure.message.hasPrefix("client 'a' has '\(names[0])' but client 'b' has '\(names[1])', and so on for 4 layers")
    )
    #expect(failure.advice?.contains("rename") == true)
    // Also where one has more than the other, or they agree in the head alone.
    #expect(throws: Failure.self) { try notes(layers(mine), layers(theirs, "q_proj v_proj o_proj")) }
    #expect(throws: Failure.self) { try notes(layers(mine) + ["lm_head"], layers(theirs) + ["lm_head"]) }
    #expect(throws: Failure.self) { try notes(layers(mine), layers(mine), layers(theirs)) }
  }

  @Test func aHeadUnderTwoNamesIsRefused() {
    let failure = #expect(throws: Failure.self) { try notes(["lm_head"], ["language_model.lm_head"]) }
    #expect(
      failure?.message.hasPrefix("client 'a' has 'lm_head' but client 'b' has 'language_model.lm_head':") == true)
  }

  @Test func whereClientsMostlyAgreeTheyAreWarned() throws {
    let notes = try notes(layers("model.") + ["lm_head"], layers("model.") + ["model.lm_head"])
    #expect(notes.count == 1 && notes[0].severity == .warning)
    #expect(notes[0].text.hasPrefix("client 'a' has 'lm_head' but client 'b' has 'model.lm_head'"))
  }

  @Test func clientsThatShareNoModuleAreWarned() throws {
    for (mine, theirs) in [
      (layers("model.", "q_proj"), layers("model.", "v_proj")),
      (layers("model.", "q_proj", 0..<2), layers("model.", "q_proj", 2..<4)),
      (layers("model.encoder."), layers("model.decoder.")), (layers("model."), layers("model.vision_model.encoder.")),
      (layers("bert."), layers("roberta.")), (layers("").map { $0 + ":1" }, layers("model.").map { $0 + ":2" }),
      (["proj"], ["blocks.0.proj"]), (["layers.0.mlp.up"], ["layers.0.mlp.experts.up"]),
    ] {
      let notes = try notes(mine, theirs)
      #expect(notes.count == 1 && notes[0].severity == .warning, "\(mine) \(theirs)")
      let (first, second) = (mine.map { $0.prefix { $0 != ":" } }, theirs.map { $0.prefix { $0 != ":" } })
      #expect(
        notes.first?.text
          == "client 'a' shares no module with client 'b' ('\(first[0])' and '\(second[0])'): each of their updates is "
          + "in the result by itself, times its weight")
    }
  }

  /// Endings, numbers and shapes agree, and the fronts have not the same pieces: other layers, or another version.
  @Test func layersThatLookAlikeAreWarnedOf() throws {
    let notes = try notes(layers("model.text_model.") + ["lm_head"], layers("model.language_model.") + ["lm_head"])
    #expect(
      notes.map(\.text) == [
        "client 'a' has 'model.text_model.layers.0.self_attn.q_proj' but client 'b' has "
          + "'model.language_model.layers.0.self_attn.q_proj': if these are the same layer, rename one client's tensors to match the "
          + "other's"
      ])
    #expect(try self.notes(layers("encoder."), layers("decoder."), layers("encoder.") + layers("decoder.")).isEmpty)
    #expect(try self.notes(["pooler.dense", "x"], ["classifier.dense", "x"]).isEmpty)
  }

  @Test func groupsOfClientsThatShareNoModuleAreToldOnce() throws {
    let (q, v, o) = (layers("", "q"), layers("", "v"), layers("", "o"))
    #expect(
      try notes(q, v, q, o).map(\.text) == [
        "client 'a' (and 1 more) shares no module with client 'b' ('\(q[0])' and '\(v[0])'; there are 3 such "
          + "groups): each of their updates is in the result by itself, times its weight"
      ])
    // A client that has both joins them.
    #expect(try notes(q, v, q + v).isEmpty)
  }

  @Test func ordinaryClientsAreNotRemarkable() throws {
    #expect(try notes(layers("model.")).isEmpty)
    #expect(try notes(layers("model."), layers("model.")).isEmpty)
    #expect(try notes(layers("model.", "q_proj v_proj"), layers("model.", "v_proj o_proj", 1..<5)).isEmpty)
    // A model that has both fronts shows it: then they are two layers with everybody.
    let both = layers("model.") + layers("model.extra.")
    #expect(try notes(both, layers("model.")).isEmpty)
    #expect(try notes(both, layers("model."), layers("model.extra.")).isEmpty)
  }

  @Test func manyNamesTakeNoLongTime() throws {
    let fronts = (0..<20_000).map { "x\($0).layers.0.q" }
    #expect(try notes(fronts, ["y.layers.0.q"]).count == 1)
    let many = (0..<300).map { client in layers(client % 2 == 0 ? "model." : "", "q k v o", 0..<8) }
    #expect(throws: Failure.self) {
      try NameAgreement((0..<300).map(String.init), many.map { Dictionary(uniqueKeysWithValues: $0.map { ($0, "") }) })
    }
  }

  @Test func upperAndLowerCaseAreNoticed() throws {
    let mine = layers("model.", "q_proj v_proj")
    let theirs = layers("model.", "Q_proj v_proj")
    let warning = try #require(try notes(mine, theirs).first)
    #expect(warning.severity == .warning)
    #expect(warning.text.contains("'model.layers.0.self_attn.q_proj'"), "\(warning)")
    #expect(warning.text.contains("'model.layers.0.self_attn.Q_proj'"), "\(warning)")
    // A client that has both shows that these are two layers.
    #expect(try notes(mine, theirs + layers("model.", "q_proj")).isEmpty)
  }
}
