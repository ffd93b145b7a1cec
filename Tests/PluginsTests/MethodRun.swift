import Diagnostics
import JSON
import PluginHost
import Tensors
import TestSupport

let catalog = Result { try builtInCatalog() }

/// One client's matrix in a test.
struct Input {
  var client: String
  var weight = 1.0
  var values: [Float]
  var stream: UInt64 { RandomStream(seed: 7, client).key }
}

/// A merge method at work on made-up matrices, called as the host calls it.
struct MethodRun {
  var method: String
  var parameters: [String: JSONValue] = [:]
  /// Parameters that differ by input.
  var perInput: [String: [Double]] = [:]
  var space: Space?

  func instance() throws -> (MergeMethodPlugin, MergeMethodInstance) {
    let plugin = try catalog.get().mergeMethod(method)
    var values = try ParameterValues(parameters, schema: plugin.about.parameters, of: method)
    for (name, numbers) in perInput { values.set(name, numbers: numbers, isDefault: false) }
    return (plugin, try plugin.makeInstance(values, services: HostServices()))
  }

  /// The merged matrix; a linear method's coefficients are carried out in float64.
  func callAsFunction(_ inputs: [Input], rows: Int) throws -> [Float] {
    try self([inputs], rows: rows)[0]
  }

  /// The merged matrices of several modules of one adapter, surveyed first.
  func callAsFunction(_ modules: [[Input]], rows: Int) throws -> [[Float]] {
    let (plugin, _) = try instance()
    if plugin.isLinear { return try linear(modules, plugin) }
    let clients = modules[0].count
    let survey = try survey(modules, rows: rows, passes: plugin.surveyPasses, clients: clients)
    return try modules.map { inputs in
      let instance = try instance().1
      var result = [Float](repeating: .nan, count: inputs[0].values.count)
      try withUnit(inputs, rows: rows, survey) { unit in
        try result.withUnsafeMutableBufferPointer { try instance.merge(unit, into: $0.baseAddress!) }
      }
      return result
    }
  }

  /// What a linear method multiplies the inputs of the first module with.
  func coefficients(_ modules: [[Input]]) throws -> [Double] {
    let instance = try instance().1
    let products = modules.map(gram)
    let sums = products[0].indices.map { place in products.reduce(0) { $0 + $1[place] } }
    let inputs = modules[0]
    return try instance.coefficients(
      MergeUnit(
        module: "module", space: space ?? .stack,
        inputs: inputs.enumerated().map {
          .init(client: $1.client, index: $0, weight: $1.weight, stream: $1.stream)
        }, innerProducts: products[0], adapterInnerProducts: sums))
  }

  private func linear(_ modules: [[Input]], _ plugin: MergeMethodPlugin) throws -> [[Float]] {
    try modules.indices.map { place in
      let coefficients = try coefficients([modules[place]] + modules[..<place] + modules[(place + 1)...])
      // In an order of their own, as the host adds them up.
      let terms = zip(modules[place], coefficients).sorted { $0.0.client < $1.0.client }
      return modules[place][0].values.indices.map { entry in
        Float(terms.reduce(0) { $0 + $1.1 * Double($1.0.values[entry]) })
      }
    }
  }

  private func survey(_ modules: [[Input]], rows: Int, passes: Int, clients: Int) throws -> Survey? {
    guard passes > 0, case let size = try instance().1.surveySize(clients: clients), size > 0 else { return nil }
    let survey = Survey(recordSize: size, passes: passes)
    for pass in 0..<passes {
      for inputs in modules {
        let instance = try instance().1
        _ = try instance.surveySize(clients: clients)
        let record = SurveyRecord(size: size)
        try withUnit(inputs, rows: rows, survey) { try instance.survey($0, pass: pass, into: record) }
        try survey.withRecord(of: pass) { try instance.combine($0, with: record, pass: pass) }
      }
    }
    return survey
  }

  private func withUnit(
    _ inputs: [Input], rows: Int, _ survey: Survey?, _ body: (MergeUnit) throws -> Void
  ) throws {
    let copies = inputs.map { input in
      let copy = UnsafeMutablePointer<Float>.allocate(capacity: max(1, input.values.count))
      copy.initialize(from: input.values, count: input.values.count)
      return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    try body(
      MergeUnit(
        module: "module", space: space ?? .delta, rows: rows, columns: inputs[0].values.count / rows,
        inputs: inputs.enumerated().map {
          .init(client: $1.client, index: $0, weight: $1.weight, stream: $1.stream, values: copies[$0])
        }, survey: survey))
  }

  private func gram(_ inputs: [Input]) -> [Double] {
    inputs.flatMap { first in
      inputs.map { second in zip(first.values, second.values).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
    }
  }
}

/// Reproducible clients whose entries share a part, have many sizes, and some exact zeros and equal magnitudes.
func clients(_ count: Int, entries: Int, weights: [Double] = [], seed: UInt64 = 1) -> [Input] {
  let common = numbers(entries, seed: seed)
  return (0..<count).map { client in
    let own = numbers(entries, seed: seed &* 1000 + UInt64(client) + 1)
    let values = zip(common, own).enumerated().map { place, pair -> Float in
      if place % 11 == client { return 0 }
      let value = Float(0.6 * pair.0 + pair.1)
      return place % 7 == 0 ? Float(sign: value.sign, exponent: -3, significand: 1) : value * value * value
    }
    return Input(client: "client-\(client)", weight: weights.isEmpty ? 1 : weights[client], values: values)
  }
}

/// Uniform between −1 and 1.
func numbers(_ count: Int, seed: UInt64) -> [Double] {
  let stream = RandomStream(seed: seed, "test")
  return (0..<count).map { Double(Int64(bitPattern: stream.block(UInt64($0)).0)) * 0x1p-63 }
}

/// max |x − y| over max |y|.
func distance(_ x: [Float], _ y: [Double]) -> Double {
  guard x.count == y.count else { return .infinity }
  let scale = y.reduce(0) { max($0, abs($1)) }
  return zip(x, y).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / (scale == 0 ? 1 : scale)
}
