import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

/// PEFT's `add_weighted_adapter` is the oracle: its results lie in Tests/Fixtures/peft.
@Suite struct PEFTParityTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let adapters: [String]
    let settings: [(path: String, value: String)]
    let comparesFactors: Bool
    var testDescription: String { name }

    init?(_ object: JSONObject) {
      guard let name = object["name"]?.stringValue, let type = object["combination_type"]?.stringValue,
        let adapters = object["adapters"]?.arrayValue?.compactMap(\.stringValue),
        let weights = object["weights"]?.arrayValue?.compactMap(\.doubleValue)
      else { return nil }
      self.name = name
      self.adapters = adapters
      var settings = weights.enumerated().map { (path: "clients.\($0).weight", value: "\($1)") }
      switch type {
      case "linear": settings += [("merge.method", "average"), ("merge.space", "factors")]
      case "cat": settings += [("merge.method", "average"), ("merge.space", "stack")]
      case "svd":
        let rank = object["svd_rank"]?.intValue.map { "\($0)" } ?? "same"
        settings += [("merge.method", "average"), ("merge.space", "stack"), ("merge.rank", rank)]
      case "ties": settings += [("merge.method", "ties"), ("merge.space", "factors")]
      case "ties_svd":
        settings += [
          ("merge.method", "ties"), ("merge.space", "delta"), ("merge.rank", "\(object["svd_rank"]?.intValue ?? 0)"),
        ]
      case "magnitude_prune": settings += [("merge.method", "magnitude-prune"), ("merge.space", "factors")]
      case "magnitude_prune_svd":
        settings += [
          ("merge.method", "magnitude-prune"), ("merge.space", "delta"),
          ("merge.rank", "\(object["svd_rank"]?.intValue ?? 0)"),
        ]
      default: return nil
      }
      if settings.contains(where: { $0.value == "average" }) {
        settings.append(("merge.parameters.normalize", "false"))
      }
      if let density = object["density"]?.doubleValue { settings.append(("merge.parameters.density", "\(density)")) }
      if let elect = object["majority_sign_method"]?.stringValue { settings.append(("merge.parameters.elect", elect)) }
      self.settings = settings
      comparesFactors = ["linear", "ties", "magnitude_prune"].contains(type)
    }

    static let all: [Case] = {
      let text = try! Data(contentsOf: URL(filePath: fixture("peft/cases.json")))
      let cases = try! text.withUnsafeBytes { try JSONReader().read($0) }.objectValue!["cases"]!.arrayValue!
      return cases.compactMap { Case($0.objectValue!) }
    }()
  }

  @Test func `the cases are there`() { #expect(Case.all.count == 17) }

  @Test(arguments: Case.all) func `deltas are PEFT's`(_ one: Case) throws {
    let merge = TestMerge(inputs: one.adapters.map { fixture("peft/adapters/\($0)") }, settings: one.settings)
    let result = try merge.result()
    let golden = try SafetensorsFile(Bytes(mapping: fixture("peft/\(one.name).safetensors")))
    var expected: [String: [Double]] = [:]
    for (name, tensor) in golden.tensors where name.hasPrefix("delta:") {
      expected[String(name.dropFirst(6))] = try tensor.floats().map(Double.init)
    }
    #expect(try relativeError(deltasOf(result.adapter), expected) < 1e-5)
  }

  @Test(arguments: Case.all.filter(\.comparesFactors)) func `so are factors, where they are unique`(_ one: Case) throws
  {
    let merge = TestMerge(inputs: one.adapters.map { fixture("peft/adapters/\($0)") }, settings: one.settings)
    let result = try merge.result()
    let golden = try SafetensorsFile(Bytes(mapping: fixture("peft/\(one.name).safetensors")))
    #expect(!result.adapter.modules.isEmpty)
    for module in result.adapter.modules.values {
      let (a, b) = (golden.tensors["factor:\(module.name).A"], golden.tensors["factor:\(module.name).B"])
      #expect(try error(module.a, a) < 1e-5)
      #expect(try error(module.b, b) < 1e-5)
    }
  }

  @Test(arguments: [
    ("merged_ties/ties", "ties", [("density", "0.2")], 1.0),
    ("merged_linear/linear", "average", [("normalize", "false")], 0.5),
  ])
  func `the Trainer's checkpoints merge as with PEFT`(
    _ folder: String, _ method: String, _ parameters: [(String, String)], _ weight: Double
  ) throws {
    let merge = TestMerge(
      inputs: ["c0", "c1"].map { fixture("tiny/\($0)") },
      settings: [
        ("merge.method", method), ("merge.space", "factors"), ("clients.0.weight", "\(weight)"),
        ("clients.1.weight", "\(weight)"),
      ] + parameters.map { ("merge.parameters.\($0.0)", $0.1) })
    let expected = try readAdapter(fixture("tiny/\(folder)"))
    #expect(try relativeError(merge.deltas(), deltasOf(expected)) < 1e-5)
  }

  private func error(_ x: Tensor, _ y: Tensor?) throws -> Double {
    guard let y, x.shape == y.shape else { return .infinity }
    return relativeError(["": try x.floats().map(Double.init)], ["": try y.floats().map(Double.init)])
  }
}
