import JSON
import Testing

/// What every method has to hold to.
@Suite struct LawTests {
  struct Method: Sendable, CustomTestStringConvertible {
    let id: String
    /// Settings under which nothing is left out.
    var whole: [String: JSONValue] = [:]
    var fewest = 1
    var most = 5
    var comesBack = true
    var takesWeights = true
    /// Exact methods give the same bits for matrices twice as large; others decompose them.
    var isExact = true
    var testDescription: String { id }
  }

  static let methods = [
    Method(id: "average"), Method(id: "task-arithmetic"), Method(id: "slerp", fewest: 2, most: 2),
    Method(id: "karcher"),
    Method(id: "model-stock", fewest: 2, takesWeights: false), Method(id: "krum", fewest: 3, takesWeights: false),
    Method(id: "multi-krum", fewest: 3), Method(id: "ties", whole: ["density": 1]),
    Method(id: "dare-ties", whole: ["density": 1]), Method(id: "dare-linear", whole: ["density": 1]),
    Method(id: "magnitude-prune", whole: ["density": 1]), Method(id: "breadcrumbs", whole: ["density": 1]),
    Method(id: "breadcrumbs-ties", whole: ["density": 1]), Method(id: "della", whole: ["density": 1]),
    Method(id: "della-linear", whole: ["density": 1]), Method(id: "sce", takesWeights: false), Method(id: "median"),
    Method(id: "trimmed-mean"), Method(id: "knots", whole: ["density": 1], isExact: false),
    Method(id: "tsv", isExact: false), Method(id: "iso", comesBack: false, isExact: false),
  ]

  private func inputs(_ method: Method) -> [Input] {
    clients(method.most, entries: 12 * 40, weights: method.takesWeights ? [1, 0.5, 2, 1.5, 0.75] : [])
  }

  @Test func `every method is among them`() throws {
    let known = Set(Self.methods.map(\.id))
    #expect(Set(try catalog.get().mergeMethods.map(\.about.id)) == known)
  }

  @Test(arguments: methods) func `it says what it is`(_ method: Method) throws {
    let about = try catalog.get().mergeMethod(method.id).about
    #expect(about.summary.hasSuffix(".") && !about.details.isEmpty && !about.reference.isEmpty)
    for parameter in about.parameters.declarations {
      #expect(parameter.description.hasSuffix("."), "\(parameter.name)")
    }
  }

  @Test(arguments: methods.filter { $0.fewest == 1 && $0.comesBack })
  func `one client of weight 1 comes back as itself`(_ method: Method) throws {
    let input = clients(1, entries: 12 * 40)
    let result = try MethodRun(method: method.id, parameters: method.whole)(input, rows: 12)
    if method.isExact {
      #expect(result == input[0].values)
    } else {
      #expect(distance(result, input[0].values.map(Double.init)) < 2e-6)
    }
  }

  @Test(arguments: methods) func `the order of clients changes no bit`(_ method: Method) throws {
    let run = MethodRun(method: method.id)
    let inputs = inputs(method)
    let reference = try run(inputs, rows: 12).map(\.bitPattern)
    #expect(try run(inputs.reversed(), rows: 12).map(\.bitPattern) == reference)
    #expect(try run(Array(inputs[1...] + inputs[..<1]), rows: 12).map(\.bitPattern) == reference)
  }

  @Test(arguments: methods) func `a larger update gives a larger result`(_ method: Method) throws {
    let run = MethodRun(method: method.id)
    var inputs = inputs(method)
    let reference = try run(inputs, rows: 12)
    for index in inputs.indices { inputs[index].values = inputs[index].values.map { 4 * $0 } }
    let scaled = try run(inputs, rows: 12)
    if method.isExact {
      #expect(scaled == reference.map { 4 * $0 })
    } else {
      #expect(distance(scaled, reference.map { 4 * Double($0) }) < 1e-5)
    }
  }

  @Test(arguments: methods) func `nothing comes of nothing`(_ method: Method) throws {
    var inputs = inputs(method)
    for index in inputs.indices { inputs[index].values = inputs[index].values.map { _ in 0 } }
    #expect(try MethodRun(method: method.id)(inputs, rows: 12).allSatisfy { $0 == 0 })
  }

  @Test(arguments: methods) func `a client that brings nothing breaks nothing`(_ method: Method) throws {
    var inputs = inputs(method)
    inputs[1].values = inputs[1].values.map { _ in 0 }
    #expect(try MethodRun(method: method.id)(inputs, rows: 12).allSatisfy(\.isFinite))
  }
}
