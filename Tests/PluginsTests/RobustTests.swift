import Testing

@Suite struct RobustTests {
  @Test(arguments: 1...7) func `the median is the middle`(_ count: Int) throws {
    let inputs = clients(count, entries: 3 * 1711)
    let oracle = inputs[0].values.indices.map { index -> Float in
      let values = inputs.map { Double($0.values[index]) }.sorted()
      return Float((values[(count - 1) / 2] + values[count / 2]) / 2)
    }
    #expect(try MethodRun(method: "median")(inputs, rows: 3) == oracle)
  }

  @Test(arguments: [[1.0, 2, 3], [0.1, 0.1, 0.2], [5, 1, 1], [1, 0, 1], [0.3, 0.7, 1]])
  func `the weighted median repeats clients`(_ weights: [Double]) throws {
    let inputs = clients(3, entries: 500, weights: weights)
    // A client of weight k/10 counts as often as k clients.
    let oracle = inputs[0].values.indices.map { index -> Float in
      let values = inputs.flatMap { input in
        [Double](repeating: Double(input.values[index]), count: Int((10 * input.weight).rounded()))
      }.sorted()
      return Float((values[(values.count - 1) / 2] + values[values.count / 2]) / 2)
    }
    #expect(try MethodRun(method: "median")(inputs, rows: 5) == oracle)
  }

  @Test(arguments: [0.0, 0.2, 0.34, 0.49]) func `the trimmed mean leaves out both ends`(_ beta: Double) throws {
    let inputs = clients(6, entries: 3 * 1711, weights: [1, 2, 3, 0.5, 1, 1])
    let cut = Int(beta * 6)
    let oracle = inputs[0].values.indices.map { index -> Double in
      let kept = inputs.map { ($0.values[index], $0.weight) }.sorted { $0.0 < $1.0 }[cut..<6 - cut]
      return kept.reduce(0) { $0 + Double($1.0) * $1.1 } / kept.reduce(0) { $0 + $1.1 }
    }
    let result = try MethodRun(method: "trimmed-mean", parameters: ["beta": .number(beta)])(inputs, rows: 3)
    // Where equal values have different weights, which of them is cut is up to their names.
    let distinct = oracle.indices.filter { index in Set(inputs.map { $0.values[index] }).count == 6 }
    #expect(distinct.count > 1000)
    #expect(distance(distinct.map { result[$0] }, distinct.map { oracle[$0] }) < 1e-6)
  }

  @Test(arguments: ["median", "trimmed-mean"]) func `outliers do not get through`(_ method: String) throws {
    var inputs = clients(5, entries: 100)
    inputs[3].values = inputs[3].values.map { _ in 1e30 }
    #expect(try MethodRun(method: method)(inputs, rows: 1).allSatisfy { abs($0) < 10 })
  }

  @Test(arguments: ["median", "trimmed-mean"]) func `weights that are none are refused`(_ method: String) throws {
    #expect(throws: (any Error).self) {
      try MethodRun(method: method)(clients(2, entries: 4, weights: [1, -1]), rows: 1)
    }
    #expect(throws: (any Error).self) {
      try MethodRun(method: method)(clients(2, entries: 4, weights: [0, 0]), rows: 1)
    }
  }
}
