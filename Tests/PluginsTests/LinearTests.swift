import Foundation
import JSON
import Testing

@Suite struct LinearTests {
  let inputs = clients(5, entries: 600, weights: [1, 2, 0.5, 1, 0.25])
  let equal = clients(5, entries: 600)

  private func vector(_ input: Input) -> [Double] { input.values.map(Double.init) }
  private func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
  private func sum(_ terms: [(Double, [Double])]) -> [Double] {
    terms[0].1.indices.map { index in terms.reduce(0) { $0 + $1.0 * $1.1[index] } }
  }

  @Test func `average divides by the weights, task arithmetic does not`() throws {
    let total = 4.75
    #expect(try MethodRun(method: "average").coefficients([inputs]) == inputs.map { $0.weight / total })
    #expect(
      try MethodRun(method: "average", parameters: ["normalize": false]).coefficients([inputs])
        == inputs.map(\.weight))
    #expect(
      try MethodRun(method: "task-arithmetic", parameters: ["lambda": -2]).coefficients([inputs])
        == inputs.map { -2 * $0.weight })
    var opposed = clients(2, entries: 6, weights: [1, -1])
    #expect(throws: (any Error).self) { try MethodRun(method: "average")(opposed, rows: 1) }
    opposed[1].weight = -0.5
    #expect(try MethodRun(method: "average").coefficients([opposed]) == [2, -1])
  }

  @Test(arguments: [0, 0.25, 0.5, 1]) func `slerp goes along the arc`(_ t: Double) throws {
    let pair = Array(equal.prefix(2))
    let (x, y) = (vector(pair[0]), vector(pair[1]))
    let angle = acos(dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot())
    let oracle = sum([(sin((1 - t) * angle) / sin(angle), x), (sin(t * angle) / sin(angle), y)])
    #expect(distance(try MethodRun(method: "slerp", parameters: ["t": .number(t)])(pair, rows: 6), oracle) < 1e-6)
    var weighted = pair
    (weighted[0].weight, weighted[1].weight) = (3 * (1 - t), 3 * t)
    #expect(distance(try MethodRun(method: "slerp")(weighted, rows: 6), oracle) < 1e-6)
  }

  @Test func `slerp takes the line where there is no arc`() throws {
    let values = equal[0].values
    for factor in [2, -2, 0] as [Float] {
      let pair = [Input(client: "a", values: values), Input(client: "b", values: values.map { $0 * factor })]
      #expect(try MethodRun(method: "slerp", parameters: ["t": 0.25]).coefficients([pair]) == [0.75, 0.25])
    }
    let unequal = [Input(client: "a", weight: 2, values: values), Input(client: "b", values: values)]
    #expect(throws: (any Error).self) {
      try MethodRun(method: "slerp", parameters: ["t": 0.25]).coefficients([unequal])
    }
  }

  @Test func `karcher finds where the pulls cancel out`() throws {
    let result = try MethodRun(method: "karcher")(inputs, rows: 6).map(Double.init)
    let norms = inputs.map { dot(vector($0), vector($0)).squareRoot() }
    let length = dot(result, result).squareRoot()
    let mean = result.map { $0 / length }
    let tangent = sum(
      zip(inputs, norms).map { input, norm in
        let unit = vector(input).map { $0 / norm }
        let cosine = dot(unit, mean)
        let pull = sum([(1, unit), (-cosine, mean)])
        return (input.weight * acos(cosine) / (1 - cosine * cosine).squareRoot(), pull)
      })
    #expect(dot(tangent, tangent).squareRoot() < 1e-5)
    #expect(abs(length - zip(inputs, norms).reduce(0) { $0 + $1.0.weight / 4.75 * $1.1 }) < 1e-5 * length)
    // Of two clients it is the middle of the arc.
    let pair = Array(equal.prefix(2))
    let unit = pair.map { input in
      let norm = dot(vector(input), vector(input)).squareRoot()
      return Input(client: input.client, values: input.values.map { Float(Double($0) / norm) })
    }
    let slerp = try MethodRun(method: "slerp")(unit, rows: 6).map(Double.init)
    #expect(distance(try MethodRun(method: "karcher")(unit, rows: 6), slerp) < 1e-6)
  }

  @Test func `karcher refuses what has no mean`() throws {
    let values = equal[0].values
    let opposed = [Input(client: "a", values: values), Input(client: "b", values: values.map { -$0 })]
    #expect(throws: (any Error).self) { try MethodRun(method: "karcher")(opposed, rows: 6) }
    #expect(throws: (any Error).self) {
      try MethodRun(method: "karcher", parameters: ["max_iter": 1])(inputs, rows: 6)
    }
  }

  @Test func `model stock shortens the mean by the mean cosine`() throws {
    let vectors = equal.map(vector)
    var cosines: [Double] = []
    for i in 0..<5 {
      for j in 0..<i {
        cosines.append(
          dot(vectors[i], vectors[j]) / (dot(vectors[i], vectors[i]) * dot(vectors[j], vectors[j])).squareRoot())
      }
    }
    let c = cosines.reduce(0, +) / 10
    let t = 5 * c / (1 + 4 * c)
    let oracle = sum(vectors.map { (t / 5, $0) })
    #expect(distance(try MethodRun(method: "model-stock")(equal, rows: 6), oracle) < 1e-6)
    let opposed = [equal[0], Input(client: "z", values: equal[0].values.map { -$0 })]
    #expect(throws: (any Error).self) { try MethodRun(method: "model-stock")(opposed, rows: 6) }
    #expect(throws: (any Error).self) { try MethodRun(method: "model-stock")(inputs, rows: 6) }
  }

  @Test func `krum takes the client among its neighbours`() throws {
    // Clients 0 to 4 lie on a line at 0, 1, 2, 3 and 100.
    let line = [0, 1, 2, 3, 100].enumerated().map { Input(client: "c\($0)", values: [Float($1), 1]) }
    // With f = 1 the two nearest count: 0+1+4, 1+1, 1+1, 1+4: of equal ones the first name.
    #expect(try MethodRun(method: "krum", parameters: ["f": 1]).coefficients([line]) == [0, 1, 0, 0, 0])
    #expect(
      try MethodRun(method: "multi-krum", parameters: ["f": 1]).coefficients([line]) == [0, 0.5, 0.5, 0, 0])
    var weighted = line
    weighted[1].weight = 3
    #expect(
      try MethodRun(method: "multi-krum", parameters: ["f": 1, "m": 3]).coefficients([weighted])
        == [0.2, 0.6, 0.2, 0, 0])
    #expect(throws: (any Error).self) { try MethodRun(method: "krum", parameters: ["f": 2]).coefficients([line]) }
    #expect(throws: (any Error).self) { try MethodRun(method: "krum").coefficients([weighted]) }
    #expect(throws: (any Error).self) { try MethodRun(method: "multi-krum", parameters: ["m": 6]).coefficients([line]) }
  }

  @Test func `krum surveyedModuleCount at the whole adapter`() throws {
    let first = [0, 1, 9].enumerated().map { Input(client: "c\($0)", values: [Float($1)]) }
    let second = [0, 90, 91].enumerated().map { Input(client: "c\($0)", values: [Float($1)]) }
    let run = MethodRun(method: "krum", parameters: ["f": 0])
    #expect(try run.coefficients([first, second]) == [0, 1, 0] && run.coefficients([second, first]) == [0, 1, 0])
    let matrix = MethodRun(method: "krum", parameters: ["scope": "matrix"])
    #expect(
      try matrix.coefficients([first, second]) == [1, 0, 0] && matrix.coefficients([second, first]) == [0, 1, 0])
  }
}
