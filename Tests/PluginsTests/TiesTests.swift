import JSON
import Testing

@testable import PluginHost

@Suite struct TiesTests {
  static let weights = [1.5, 0.5, 1, 0.25]
  /// 7 rows of 1,501: tiles end between rows and at odd places.
  static let inputs = clients(4, entries: 7 * 1501, weights: weights)
  static let orders = inputs.map { PruningOracle.order($0.values) }
  let inputs = Self.inputs

  /// The inputs with their largest entries only.
  private func trimmed(_ density: Double) -> [PruningOracle.Pruned] {
    inputs.indices.map { client in
      let kept = Self.orders[client].prefix(Int(density * Double(inputs[client].values.count)))
      return (PruningOracle.keeping(kept, of: inputs[client].values), 1, inputs[client].weight)
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let parameters: [String: JSONValue]
    let oracle: @Sendable () -> PruningOracle
    var testDescription: String {
      JSONValue.object(.init(parameters.sorted { $0.key < $1.key }.map { ($0, $1) })).text()
    }
  }

  static let cases = [
    Case(parameters: [:]) { PruningOracle() },
    Case(parameters: ["preset": "peft", "elect": "frequency"]) { PruningOracle(frequency: true) },
    Case(parameters: ["election": "weighted", "lambda": 0.7]) { PruningOracle(weightedElection: true, lambda: 0.7) },
    Case(parameters: ["preset": "mergekit"]) { PruningOracle(weightedElection: true, divide: "weights") },
    Case(parameters: ["preset": "mergekit", "divide": "none"]) {
      PruningOracle(weightedElection: true, divide: "none")
    },
    Case(parameters: ["preset": "mergekit", "election": "unweighted"]) { PruningOracle(divide: "weights") },
  ]

  @Test(arguments: cases, [0.0, 0.00001, 0.05, 0.2, 0.29, 0.9999, 1])
  func `trims, elects and merges`(_ choice: Case, density: Double) throws {
    let run = MethodRun(method: "ties", parameters: choice.parameters.merging(["density": .number(density)]) { $1 })
    #expect(try run(inputs, rows: 7) == choice.oracle().merge(trimmed(density)))
  }

  @Test func `clients have densities of their own`() throws {
    let densities = [0.1, 0.9, 0, 1]
    let run = MethodRun(method: "ties", perInput: ["density": densities])
    let pruned = zip(inputs, densities).map { (PruningOracle.largest($1, of: $0.values), 1.0, $0.weight) }
    #expect(try run(inputs, rows: 7) == PruningOracle().merge(pruned))
  }

  @Test(arguments: ["inverse", "l1"]) func `what is kept makes up for the rest`(_ rescale: String) throws {
    let run = MethodRun(method: "ties", parameters: ["rescale": .string(rescale), "density": 0.3])
    let pruned = inputs.map { input in
      let kept = PruningOracle.largest(0.3, of: input.values)
      return (kept, rescale == "l1" ? PruningOracle.l1Ratio(kept, of: input.values) : 1 / 0.3, input.weight)
    }
    #expect(distance(try run(inputs, rows: 7), PruningOracle().merge(pruned).map(Double.init)) < 1e-6)
  }

  @Test func `of equal magnitudes the first ones stay`() throws {
    let input = Input(client: "a", values: [1, -1, 1, -1, 1, 0.5, 2])
    #expect(try MethodRun(method: "ties", parameters: ["density": 0.5])([input], rows: 1) == [1, -1, 0, 0, 0, 0, 2])
    #expect(try MethodRun(method: "ties", parameters: ["density": 0.1])([input], rows: 1) == [0, 0, 0, 0, 0, 0, 0])
  }

  @Test func `zeros among the largest are harmless`() throws {
    let input = Input(client: "a", values: [0, -0.0, 3, 0, 0, 0])
    #expect(try MethodRun(method: "ties", parameters: ["density": 0.5])([input], rows: 2) == [0, 0, 3, 0, 0, 0])
  }

  @Test(arguments: [0, 0.01, 0.2, 0.777, 1]) func `the paper trims over the whole adapter`(_ density: Double) throws {
    // The second module is much smaller in its entries, so that a trim of each alone keeps others.
    var second = clients(4, entries: 7 * 300, weights: Self.weights, seed: 9)
    for place in second.indices { second[place].values = second[place].values.map { $0 / 16 } }
    let modules = [inputs, second]
    let run = MethodRun(method: "ties", parameters: ["preset": "paper", "density": .number(density)])
    let results = try run(modules, rows: 7)
    let edges = inputs.indices.map { client -> Float in
      let all = modules.flatMap { $0[client].values.map(abs) }.sorted(by: >)
      let kept = Int(density * Double(all.count))
      return kept == 0 ? .infinity : all[kept - 1]
    }
    for (inputs, result) in zip(modules, results) {
      let pruned = zip(inputs, edges).map { input, edge in
        (input.values.map { abs($0) >= edge ? $0 : 0 }, 1.0, input.weight)
      }
      #expect(result == PruningOracle().merge(pruned))
    }
  }

  @Test func `over the whole adapter there is one density`() throws {
    let plugin = try catalog.get().mergeMethod("ties")
    func instance(_ density: Double) throws -> MergeMethodInstance {
      let values = try ParameterValues(
        ["scope": "adapter", "density": .number(density)], schema: plugin.about.parameters, of: "ties")
      return try plugin.makeInstance(values, services: HostServices())
    }
    let values: [Float] = [1, 2]
    try values.withUnsafeBufferPointer { buffer in
      let unit = MergeUnit(
        module: "m", space: .delta, rows: 1, columns: 2,
        inputs: [.init(client: "a", index: 0, weight: 1, stream: 0, values: buffer.baseAddress)])
      let (one, other) = (try instance(0.5), try instance(0.4))
      let size = try one.surveySize(clients: 1)
      #expect(try other.surveySize(clients: 1) == size)
      let (mine, theirs) = (SurveyRecord(size: size), SurveyRecord(size: size))
      try one.survey(unit, pass: 0, into: mine)
      try other.survey(unit, pass: 0, into: theirs)
      #expect(throws: (any Error).self) { try one.combine(mine, with: theirs, pass: 0) }
      #expect(throws: (any Error).self) { try one.merge(unit, into: .allocate(capacity: 2)) }
    }
  }

  @Test func `weights of both signs divide nothing`() throws {
    var inputs = inputs
    inputs[1].weight = -1
    #expect(throws: (any Error).self) {
      try MethodRun(method: "ties", parameters: ["divide": "weights"])(inputs, rows: 7)
    }
    let pruned = inputs.map { (PruningOracle.largest(0.2, of: $0.values), 1.0, $0.weight) }
    #expect(try MethodRun(method: "ties")(inputs, rows: 7) == PruningOracle().merge(pruned))
  }

  @Test(arguments: [0, 0.05, 0.3, 1], [0, 0.0001, 0.02, 0.9])
  func `breadcrumbs leave out the smallest and the largest`(density: Double, gamma: Double) throws {
    let settings: [String: JSONValue] = ["density": .number(density), "gamma": .number(gamma)]
    let pruned = zip(inputs, Self.orders).map { input, order -> PruningOracle.Pruned in
      let count = input.values.count
      let kept = Int(density * Double(count))
      let top = density == 1 ? 0 : min(Int(gamma * Double(count)), count - kept)
      return (
        PruningOracle.keeping(order[top..<top + kept], of: input.values), 1, input.weight
      )
    }
    #expect(
      try MethodRun(method: "breadcrumbs", parameters: settings)(inputs, rows: 7)
        == PruningOracle(divide: nil).merge(pruned))
    #expect(
      try MethodRun(method: "breadcrumbs-ties", parameters: settings)(inputs, rows: 7)
        == PruningOracle(weightedElection: true, divide: "none").merge(pruned))
  }

  @Test func `magnitude-prune trims and sums`() throws {
    let pruned = inputs.map { (PruningOracle.largest(0.4, of: $0.values), 1.0, $0.weight) }
    let run = MethodRun(method: "magnitude-prune", parameters: ["density": 0.4, "lambda": 2])
    #expect(try run(inputs, rows: 7) == PruningOracle(divide: nil, lambda: 2).merge(pruned))
    let mean = MethodRun(method: "magnitude-prune", parameters: ["density": 0.4, "normalize": true])
    let shares = pruned.map { ($0.0, 1.0, $0.2 / 3.25) }
    #expect(distance(try mean(inputs, rows: 7), PruningOracle(divide: nil).merge(shares).map(Double.init)) < 1e-6)
  }

  @Test(arguments: [0, 0.1, 0.5, 1]) func `sce selects, calculates and erases`(_ share: Double) throws {
    let inputs = clients(4, entries: 7 * 1501)
    let count = Double(inputs.count)
    let variances = inputs[0].values.indices.map { place -> Float in
      let values = inputs.map { Double($0.values[place]) }
      let mean = values.reduce(0, +) / count
      return Float(values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count)
    }
    let kept = Int(share * Double(variances.count { $0 > 0 }))
    let places = share == 1 ? Array(variances.indices) : Array(PruningOracle.order(variances).prefix(kept))
    let pruned = inputs.map { PruningOracle.keeping(places, of: $0.values) }
    let squares = pruned.map { $0.reduce(0) { $0 + Double($1) * Double($1) } }
    let total = squares.reduce(0, +)
    let oracle = PruningOracle(divide: "weights").merge(
      zip(pruned, squares).map { ($0, 1.0, total == 0 ? 0.25 : $1 / total) })
    let result = try MethodRun(method: "sce", parameters: ["select_topk": .number(share)])(inputs, rows: 7)
    #expect(distance(result, oracle.map(Double.init)) < 1e-6)
  }
}
