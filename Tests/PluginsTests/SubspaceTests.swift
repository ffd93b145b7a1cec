import JSON
import Testing

/// Small dense matrices in float64, by plain loops.
private struct Dense {
  var rows: Int
  var columns: Int
  var values: [Double]

  init(_ rows: Int, _ columns: Int, _ entry: (Int, Int) -> Double) {
    (self.rows, self.columns) = (rows, columns)
    values = (0..<rows * columns).map { entry($0 / columns, $0 % columns) }
  }

  /// Random rows, orthonormal by Gram and Schmidt.
  init(orthonormal rows: Int, _ columns: Int, seed: UInt64) {
    let source = numbers(rows * columns, seed: seed)
    var lines: [[Double]] = []
    for row in 0..<rows {
      var line = Array(source[row * columns..<(row + 1) * columns])
      for _ in 0..<2 {
        for other in lines {
          let product = zip(line, other).reduce(0) { $0 + $1.0 * $1.1 }
          line = zip(line, other).map { $0 - product * $1 }
        }
      }
      let norm = line.reduce(0) { $0 + $1 * $1 }.squareRoot()
      lines.append(line.map { $0 / norm })
    }
    self.init(rows, columns) { lines[$0][$1] }
  }

  subscript(row: Int, column: Int) -> Double { values[row * columns + column] }
  var transposed: Dense { Dense(columns, rows) { self[$1, $0] } }
  var floats: [Float] { values.map { Float($0) } }

  static func * (left: Dense, right: Dense) -> Dense {
    Dense(left.rows, right.columns) { row, column in
      (0..<left.columns).reduce(0) { $0 + left[row, $1] * right[$1, column] }
    }
  }

  /// The nearest orthonormal columns, by Newton and Schulz.
  var orthogonalized: Dense {
    var x = self
    for _ in 0..<60 {
      let square = x.transposed * x
      let step = Dense(columns, columns) { ($0 == $1 ? 1.5 : 0) - square[$0, $1] / 2 }
      x = x * step
    }
    return x
  }
}

@Suite struct SubspaceTests {
  @Test func `iso makes all singular values their mean`() throws {
    let (u, v) = (Dense(orthonormal: 4, 20, seed: 1).transposed, Dense(orthonormal: 4, 30, seed: 2))
    let sum = Dense(20, 30) { row, column in (0..<4).reduce(0) { $0 + Double(4 - $1) * u[row, $1] * v[$1, column] } }
    // Two clients whose weighted sum it is.
    let part = numbers(600, seed: 3)
    let inputs = [
      Input(client: "a", weight: 2, values: part.map { Float($0) }),
      Input(client: "b", weight: 1, values: zip(sum.values, part).map { Float($0 - 2 * Double(Float($1))) }),
    ]
    let oracle = Dense(20, 30) { row, column in 0.5 * 2.5 * (0..<4).reduce(0) { $0 + u[row, $1] * v[$1, column] } }
    // The parts cancel out to float32's precision only, which leaves directions that are no more than that.
    let result = try MethodRun(method: "iso", parameters: ["lambda": 0.5])(
      [Input(client: "a", values: sum.floats)], rows: 20)
    #expect(distance(result, oracle.values) < 1e-5)
    let halves = inputs.map { Input(client: $0.client, weight: 0.25, values: sum.floats.map { $0 * 2 }) }
    #expect(
      distance(try MethodRun(method: "iso", parameters: ["lambda": 0.5])(halves, rows: 20), oracle.values) < 1e-5)
  }

  @Test func `tsv keeps the strongest directions and makes them orthogonal`() throws {
    let sides = (0..<2).map { client in
      (u: Dense(orthonormal: 4, 24, seed: 10 + client).transposed, v: Dense(orthonormal: 4, 18, seed: 20 + client))
    }
    let values = [[4.0, 3, 0.5, 0.25], [5.0, 2, 1, 0.125]]
    let inputs = zip(sides, values).enumerated().map { index, side in
      Input(
        client: "c\(index)", weight: index == 0 ? 1 : 2,
        values: Dense(24, 18) { row, column in
          (0..<4).reduce(0) { $0 + side.0.u[row, $1] * side.1[$1] * side.0.v[$1, column] }
        }.floats)
    }
    // Half of four directions each; the signs of a pair of singular vectors cancel out.
    let left = Dense(24, 4) { sides[$1 / 2].u[$0, $1 % 2] }.orthogonalized
    let right = Dense(18, 4) { sides[$1 / 2].v[$1 % 2, $0] }.orthogonalized
    let strengths = [4.0, 3, 10, 4]
    let oracle = Dense(24, 18) { row, column in
      (0..<4).reduce(0) { $0 + left[row, $1] * strengths[$1] * right[column, $1] }
    }
    #expect(distance(try MethodRun(method: "tsv")(inputs, rows: 24), oracle.values) < 1e-5)
  }

  @Test(arguments: [0.3, 1]) func `knots is ties on aligned pieces`(_ density: Double) throws {
    let u = Dense(orthonormal: 4, 16, seed: 5).transposed
    let rows = Dense(orthonormal: 4, 3 * 40, seed: 6)
    let pieces = (0..<3).map { client in Dense(4, 40) { Double(4 - $0) * rows[$0, client * 40 + $1] } }
    let inputs = pieces.enumerated().map {
      Input(client: "c\($0)", weight: [1, 0.5, 2][$0], values: (u * $1).floats)
    }
    let parameters = ["density": density].mapValues { JSONValue.number($0) }
    // The signs of singular vectors are open, but TIES turns with a row.
    let merged = PruningOracle().merge(
      zip(pieces, inputs).map { (PruningOracle.largest(density, of: $0.floats), 1.0, $1.weight) })
    let oracle = u * Dense(4, 40) { Double(merged[$0 * 40 + $1]) }
    #expect(distance(try MethodRun(method: "knots", parameters: parameters)(inputs, rows: 16), oracle.values) < 1e-5)
  }
}
