import JSON
import Records
import Reports

/// A run of any size, made up, in the form that `clues run` writes.
struct SampleRun {
  var clients = ["financial", "medical", "multilingual"]
  var layers = 4
  var kinds = ["self_attn.q_proj", "self_attn.v_proj"]
  var samples = 40
  var threshold: JSONValue = 0.25
  var calibrate = "none"
  var rankLayout: JSONValue?
  var discards = true
  var isLinear = true
  /// What each client's anchors do; nil in records from before that was told.
  var influences: [JSONValue]?
  /// Of each client's dropped samples, how many fall short most in each respect; nil where scores are summed.
  var shortOf: [JSONValue]?

  /// Numbers that look like something, from anything that can be counted.
  private func wave(_ place: Int, _ step: Double) -> Double {
    let value = Double(place) * step
    return value - value.rounded(.down)
  }

  private func statistics(_ count: Int) -> JSONValue {
    ["count": JSONValue(count), "mean": 0.625, "deviation": 0.125, "standard_error": 0.0625]
  }

  private func cosine(_ i: Int, _ j: Int) -> JSONValue {
    i == j ? 1.0 : .number(wave(min(i, j) * 61 + max(i, j), 0.6180339887) * 2 - 1)
  }

  var modules: [JSONValue] {
    (0..<layers).flatMap { layer in
      kinds.enumerated().map { kind, name in
        let place = layer * kinds.count + kind + 1
        return [
          "module": .string("model.layers.\(layer).\(name)"), "clients": JSONValue(clients),
          "input_ranks": .array(clients.map { _ in 8 }), "coverage": 1.0,
          "input_norms": .array(clients.map { _ in 1.0 }), "sign_conflict": .number(wave(place, 0.37)), "rank": 8,
          "norm": .number(wave(place, 0.7)), "energy": .number(wave(place, 0.43)),
          "discarded_energy": .number(discards ? wave(place, 0.43) * wave(place, 0.19) : 0),
        ]
      }
    }
  }

  var merge: JSONValue {
    var members: JSONObject = [
      "method": "ties", "space": "delta", "dtype": "bfloat16", "discarded_share": discards ? 0.125 : 0.0,
      "sign_conflict": 0.375,
      "cosines": .array(
        clients.indices.map { i in .array(clients.indices.map { cosine(i, $0) }) }),
      "modules": .array(modules),
    ]
    members["rank_layout"] = rankLayout
    return .object(members)
  }

  var selection: JSONValue {
    [
      "rule": "anchor-mean", "parameters": ["k": 1.0], "calibrate": .string(calibrate), "anchors": statistics(30),
      "clients": .array(
        clients.enumerated().map { place, name in
          [
            "influence": influences?[place] ?? .null, "short_of": shortOf?[place] ?? .null,
            "client": .string(name), "threshold": threshold, "anchors": statistics(10), "anchor_offset": -0.03125,
            "kept": JSONValue(samples / 2 + place % 3), "scored": JSONValue(samples), "unscored": 1,
            "kept_share": .number(Double(samples / 2 + place % 3) / Double(samples + 1)),
          ]
        }),
    ]
  }

  /// run.json; members that are named are set to null, as in runs that have nothing there.
  func json(without absent: String...) -> JSONValue {
    var run: JSONObject = [
      "schema": "clues/run/1", "version": "0.1.0",
      "recipe": ["clues": 1, "clients": .array(clients.map { ["path": .string($0)] }), "weights": "kept-share"],
      "bundles": .array(
        clients.enumerated().map { place, name in
          [
            "name": .string(name), "path": .string("checkpoints/\(name).tar"),
            "sha256": .string(String(repeating: "\(place)", count: 64)),
          ]
        }),
      "clients": .array(
        clients.enumerated().map { place, name in
          [
            "name": .string(name), "path": .string("bundles/\(name).zip"),
            "sha256": .string("0123456789abcdef\(place)"),
            "weight": .number(0.5 + wave(place + 1, 0.77)), "checkpoint": place == 0 ? .null : 60,
            "rank": ["smallest": 4, "largest": 8], "modules": JSONValue(layers * kinds.count),
            "norm": .number(1 + wave(place, 0.3)),
            "cosine_with_result": place == 1 ? .null : .number(wave(place, 0.61)),
            "cosine_with_others": .number(wave(place, 0.41) - 0.5),
            "coefficient": isLinear ? ["smallest": 0.25, "largest": .number(0.25 + wave(place, 0.1))] : .null,
            "stands_out": place == 2 ? ["long"] : [],
          ]
        }),
      "plugins": [["library": "ties", "version": "1.0.0", "sha256": "fa113913e8184e10"]],
      "scorers": [["scorer": "clues", "version": "1.0.0", "parameters": ["eps": "inside"], "weight": 1.0]],
      "selection": selection, "merge": merge,
      "notes": [["severity": "warning", "text": "no samples of client 'medical' are kept"]],
      "seconds": ["merging": 1.25],
    ]
    for key in absent { run[key] = key == "scorers" || key == "clients" ? [] : .null }
    return .object(run)
  }

  /// The rows of scores.jsonl.
  func scores(selected: Bool = true) -> [JSONValue] {
    clients.enumerated().flatMap { client, name in
      (0..<samples).map { place -> JSONValue in
        let score = wave(place * 7 + client, 0.6180339887)
        return [
          "client": .string(name), "split": "train", "id": .string("secret-\(place)"), "score": .number(score),
          "kept": selected ? .bool(score >= threshold.doubleValue ?? .infinity) : .null,
        ]
      } + [
        ["client": .string(name), "split": "train", "id": "u", "score": .null, "kept": false, "reason": "no loss"],
        ["client": .string(name), "split": "anchor", "id": "a", "score": 0.5, "kept": .null],
        ["client": .string(name), "split": "anchor", "id": "b", "score": 0.75, "kept": .null],
      ]
    }
  }
}

extension Report {
  /// The report of what stands in the files of a run.
  init(run: JSONValue, scores: [JSONValue]) throws {
    self.init(
      try RunRecord(run: run),
      scores: try scores.enumerated().map { try ScoreRecord($1, named: "scores.jsonl[\($0)]") })
  }
}
