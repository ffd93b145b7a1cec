import JSON
import Tensors
import Testing

@Suite struct ChanceTests {
  static let inputs = clients(3, entries: 5 * 2503, weights: [1, 0.5, -0.75])
  static let long = clients(1, entries: 50_000)[0]
  let inputs = Self.inputs

  @Test(arguments: [("paper", 1 / 0.3), ("peft", 1 / 0.3)], [true, false])
  func `dare keeps what the streams say`(_ preset: (name: String, scale: Double), elects: Bool) throws {
    let pruned = inputs.map { input in
      (
        PruningOracle.keeping(
          input.values.indices.filter { PruningOracle.draw($0, of: input) < 0.3 }, of: input.values),
        preset.scale, input.weight
      )
    }
    let run = MethodRun(
      method: elects ? "dare-ties" : "dare-linear", parameters: ["density": 0.3, "preset": .string(preset.name)])
    #expect(try run(inputs, rows: 5) == PruningOracle(divide: elects ? "count" : nil).merge(pruned))
  }

  @Test(arguments: [true, false]) func `mergekit's dare keeps the sum of magnitudes`(elects: Bool) throws {
    let pruned = inputs.map { input in
      let kept = PruningOracle.keeping(
        input.values.indices.filter { PruningOracle.draw($0, of: input) < 0.3 }, of: input.values)
      return (kept, PruningOracle.l1Ratio(kept, of: input.values), input.weight)
    }
    let run = MethodRun(
      method: elects ? "dare-ties" : "dare-linear", parameters: ["density": 0.3, "preset": "mergekit"])
    let oracle = PruningOracle(weightedElection: true, divide: elects ? "none" : nil).merge(pruned)
    #expect(distance(try run(inputs, rows: 5), oracle.map(Double.init)) < 1e-6)
  }

  @Test(arguments: ["paper", "mergekit"], [true, false])
  func `della keeps the larger entries of a row more surely`(preset: String, elects: Bool) throws {
    let (density, epsilon, columns) = (0.4, 0.25, 2503)
    let isPaper = preset == "paper"
    let pruned = inputs.map { input -> PruningOracle.Pruned in
      var kept = [Float](repeating: 0, count: input.values.count)
      for row in 0..<5 {
        let line = Array(input.values[row * columns..<(row + 1) * columns])
        for (rank, column) in PruningOracle.order(line).enumerated() {
          let share = density + epsilon - 2 * epsilon * Double(rank) / Double(columns - 1)
          let index = row * columns + column
          guard PruningOracle.draw(index, of: input) < share else { continue }
          kept[index] = isPaper ? Float(Double(line[column]) / share) : line[column]
        }
      }
      return (kept, isPaper ? 1 : PruningOracle.l1Ratio(kept, of: input.values), input.weight)
    }
    let parameters: [String: JSONValue] = ["density": 0.4, "epsilon": 0.25, "preset": .string(preset)]
    let run = MethodRun(
      method: elects ? "della" : "della-linear",
      parameters: elects && !isPaper ? parameters.merging(["divide": "none"]) { $1 } : parameters)
    let divide = elects ? (isPaper ? "count" : "none") : nil
    let oracle = PruningOracle(weightedElection: !isPaper, divide: divide).merge(pruned)
    #expect(distance(try run(inputs, rows: 5), oracle.map(Double.init)) < 1e-6)
  }

  @Test(arguments: [0.05, 0.5, 0.9]) func `dare keeps its share, and the sum in expectation`(_ density: Double) throws {
    let input = Self.long
    let result = try MethodRun(method: "dare-linear", parameters: ["density": .number(density)])([input], rows: 50)
    let nonzero = input.values.count { $0 != 0 }
    let kept = Double(result.count { $0 != 0 })
    let sigma = (Double(nonzero) * density * (1 - density)).squareRoot()
    #expect(abs(kept - density * Double(nonzero)) < 4 * sigma)
    let squares = input.values.reduce(0) { $0 + Double($1) * Double($1) }
    let deviation = (squares * (1 - density) / density).squareRoot()
    let expected = input.values.reduce(0) { $0 + Double($1) }
    #expect(abs(result.reduce(0) { $0 + Double($1) } - expected) < 4 * deviation)
    for (x, y) in zip(input.values, result) where y != 0 { #expect(abs(Double(y) * density / Double(x) - 1) < 1e-6) }
  }

  @Test func `della keeps its share, and the sum in expectation`() throws {
    let input = Self.long
    let parameters: [String: JSONValue] = ["density": 0.5, "epsilon": 0.3]
    let result = try MethodRun(method: "della-linear", parameters: parameters)([input], rows: 50)
    // By magnitude in four parts: in the first the probabilities run from 0.8 to 0.65, and so on down to 0.2.
    for part in 0..<4 {
      var (kept, count, variance) = (0.0, 0.0, 0.0)
      for row in 0..<50 {
        let line = Array(input.values[row * 1000..<(row + 1) * 1000])
        for (rank, column) in PruningOracle.order(line).enumerated() where rank / 250 == part && line[column] != 0 {
          let share = 0.8 - 0.6 * Double(rank) / 999
          kept += result[row * 1000 + column] != 0 ? 1 : 0
          count += share
          variance += share * (1 - share)
        }
      }
      #expect(abs(kept - count) < 4 * variance.squareRoot())
    }
    let expected = input.values.reduce(0) { $0 + Double($1) }
    let spread = input.values.reduce(0) { $0 + Double($1) * Double($1) * 4 }
    #expect(abs(result.reduce(0) { $0 + Double($1) } - expected) < 4 * spread.squareRoot())
  }

  @Test func `della's probabilities stay probabilities`() throws {
    for (density, epsilon) in [(0.1, 0.15), (0.9, 0.1), (0.15, 0.15)] {
      let run = MethodRun(method: "della", parameters: ["density": .number(density), "epsilon": .number(epsilon)])
      #expect(throws: (any Error).self) { try run(inputs, rows: 5) }
    }
    // A row of one entry has no ranks.
    let column = clients(1, entries: 64)
    let result = try MethodRun(method: "della", parameters: ["density": 0.5])(column, rows: 64)
    #expect(zip(result, column[0].values).allSatisfy { $0 == 0 || $0 == 2 * $1 })
  }

  @Test func `streams of their own for every client`() throws {
    let twins = ["a", "b"].map { Input(client: $0, values: [Float](repeating: 1, count: 1000)) }
    let run = MethodRun(method: "dare-linear", parameters: ["rescale": "none"])
    let counts = try run(twins, rows: 10).reduce(into: [Float: Int]()) { $0[$1, default: 0] += 1 }
    #expect(counts.keys.sorted() == [0, 1, 2] && counts.values.allSatisfy { $0 > 150 })
  }
}
