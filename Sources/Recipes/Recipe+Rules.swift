import Diagnostics
import JSON

extension Recipe {
  /// The rules between the sections of a recipe.
  static let rules = [
    Rule<Self>(jsonSchema: ["anyOf": [["required": ["score"]], ["required": ["merge"]]]]) { recipe, location in
      guard recipe.score.isEmpty, recipe.merge == nil else { return }
      throw location.failure("the recipe has neither 'score' nor 'merge'", advice: "say what to do with the clients")
    },
    Rule<Self>(jsonSchema: ["dependentRequired": ["select": ["score"]]]) { recipe, _ in
      guard let select = recipe.select, recipe.score.isEmpty else { return }
      throw select.origin.failure(
        "'select' needs 'score'", advice: "name a scorer: the selection is based on its scores")
    },
    Rule<Self>(jsonSchema: severalForCombine) { recipe, _ in
      guard let combine = recipe.combine, !combine.isDefault, recipe.score.count < 2 else { return }
      throw combine.origin.failure(
        "'combine' needs several scorers, but the recipe has \(recipe.score.isEmpty ? "none" : "one")",
        advice: "omit it, or list more scorers under 'score'")
    },
    Rule<Self>(jsonSchema: shortfallForSide) { recipe, _ in try recipe.checkSides() },
    Rule<Self> { recipe, _ in try recipe.checkScorerNames() },
    Rule<Self>(jsonSchema: ["dependentRequired": ["weights": ["merge"]]]) { recipe, _ in
      guard let weights = recipe.weights, !weights.isDefault, recipe.merge == nil else { return }
      throw weights.origin.failure("'weights' needs 'merge'", advice: "omit it in a recipe that only scores")
    },
    Rule<Self>(jsonSchema: selectionForWeights) { recipe, _ in
      guard let weights = recipe.weights, weights.value.needsSelection, recipe.select == nil else { return }
      throw weights.origin.failure(
        "the weights '\(weights.value.rawValue)' need 'select'",
        advice: "add a selection, or choose 'equal' or 'samples'")
    },
    Rule<Self> { recipe, _ in try recipe.checkClientWeights() },
    Rule<Self> { recipe, _ in try recipe.checkClientsWithoutMerge() },
    Rule<Self> { recipe, _ in try recipe.checkClientNames() },
  ]

  private static let selectionForWeights: JSONValue = [
    "if": [
      "properties": ["weights": ["enum": JSONValue(Weighting.allCases.filter(\.needsSelection).map(\.rawValue))]],
      "required": ["weights"],
    ],
    "then": ["required": ["select"]],
  ]

  private static let severalForCombine: JSONValue = [
    "if": ["required": ["combine"]],
    "then": ["required": ["score"], "properties": ["score": ["type": "array", "minItems": 2]]],
  ]

  private static let shortfallForSide: JSONValue = [
    "allOf": [
      ["not": ["properties": ["score": ["type": "object", "required": ["side"]]], "required": ["score"]]],
      [
        "if": [
          "anyOf": [
            ["properties": ["combine": ["const": "sum"]], "required": ["combine"]],
            ["properties": ["score": ["type": "array", "maxItems": 1]], "required": ["score"]],
          ]
        ],
        "then": ["properties": ["score": ["items": ["not": ["required": ["side"]]]]]],
      ],
    ]
  ]

  private func checkSides() throws {
    guard let side = score.compactMap({ $0.value.side }).first(where: { !$0.isDefault }) else { return }
    let reason =
      score.count < 2
      ? "but there is only one scorer" : combine?.value == .sum ? "but the scores are summed" : nil
    guard let reason else { return }
    throw side.origin.failure(
      "'side' decides what counts as a shortfall, \(reason)",
      advice: score.count < 2 ? "omit it" : "omit it, or set 'combine' to 'shortfall'")
  }

  private func checkScorerNames() throws {
    let names = scorerNames
    for (location, scorer) in score.enumerated() {
      guard let other = names.indices.first(where: { $0 != location && names[$0] == names[location] }),
        let name = scorer.value.name, other < location || score[other].value.name == nil
      else { continue }
      throw name.origin.failure("two scorers have the name '\(name.value)'", advice: "give each its own name")
    }
  }

  private func checkClientWeights() throws {
    guard let weighted = clients.compactMap({ $0.weight }).first else { return }
    if let without = clients.first(where: { $0.weight == nil }) {
      throw without.origin.failure(
        "this client has no weight, but another client has", advice: "give all clients a weight, or none")
    }
    if let weights, !weights.isDefault {
      throw weights.origin.failure(
        "'weights' is set, but the clients have weights of their own", advice: "keep one of them")
    }
    if clients.allSatisfy({ $0.weight?.value == 0 }) {
      throw weighted.origin.failure("the weights of all clients are 0")
    }
  }

  private func checkClientsWithoutMerge() throws {
    guard merge == nil else { return }
    for client in clients {
      let origin = client.weight?.origin ?? client.parameters.first?.origin
      let key = client.weight == nil ? "parameters" : "weight"
      if let origin {
        throw origin.failure(
          "a client's '\(key)' needs 'merge'", advice: "omit it in a recipe that only scores")
      }
    }
  }

  private func checkClientNames() throws {
    var names: Set<String> = []
    for name in clients.compactMap({ $0.name }) where !names.insert(name.value).inserted {
      throw name.origin.failure("two clients have the name '\(name.value)'", advice: "give each its own name")
    }
    if case .take(let client)? = merge?.absolute.value, let origin = merge?.absolute.origin,
      clients.allSatisfy({ $0.name != nil }), !names.contains(client)
    {
      throw origin.failure(
        "'merge.absolute' takes the tensors of '\(client)', but no client has that name",
        advice: suggestion(for: client, among: names.sorted()))
    }
  }
}
