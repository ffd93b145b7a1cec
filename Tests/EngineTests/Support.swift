import Adapters
import JSON
import Models
import Synchronization
import Tensors
import Testing

@testable import Engine

/// The folder of the fixtures.
let fixtures = #filePath.split(separator: "/").dropLast(2).reduce("") { "\($0)/\($1)" } + "/Fixtures"

func adapter(in folder: String) throws -> Adapter {
  try Adapter(
    config: Bytes(mapping: "\(folder)/adapter_config.json"), configFile: "adapter_config.json",
    weights: Bytes(mapping: "\(folder)/adapter_model.safetensors"), weightsFile: "adapter_model.safetensors")
}

func json(_ path: String) throws -> JSONValue {
  try Bytes(mapping: path).withUnsafeBytes { try JSONReader(.init()).read($0) }
}

extension JSONValue {
  subscript(key: String) -> JSONValue? { objectValue?[key] }

  var ids: [Int32] { arrayValue?.compactMap { $0.intValue.map(Int32.init) } ?? [] }

  var sample: EncodedSample { EncodedSample(tokens: self["input_ids"]?.ids ?? [], labels: self["labels"]?.ids ?? []) }
}

/// Keeps all gradients, by sample and parameter.
final class Collected: GradientSink {
  private let state = Mutex<[Int: [String: [Float]]]>([:])

  var gradients: [Int: [String: [Float]]] { state.withLock { $0 } }

  func take(_ gradient: ModuleGradient) {
    let names = gradient.module.parameters
    state.withLock { state in
      state[gradient.sample, default: [:]][names[0]] = Array(gradient.a)
      state[gradient.sample, default: [:]][names[1]] = Array(gradient.b)
    }
  }
}

func loss(_ result: SampleLoss) -> Double {
  if case .measured(let loss, _) = result { loss } else { .nan }
}

/// How far a sample's gradient is from that of an oracle: the largest deviation by the largest element, and the length of the
/// difference by the length.
func deviation(_ found: [String: [Float]], _ expected: [String: [Float]]) -> (largest: Double, length: Double) {
  guard Set(found.keys) == Set(expected.keys) else { return (.infinity, .infinity) }
  var (off, most, difference, length) = (0.0, 0.0, 0.0, 0.0)
  for (name, values) in expected {
    guard let own = found[name], own.count == values.count else { return (.infinity, .infinity) }
    for (a, b) in zip(own, values) {
      let d = Double(a) - Double(b)
      off = max(off, abs(d).isNaN ? .infinity : abs(d))
      most = max(most, abs(Double(b)))
      difference += d * d
      length += Double(b) * Double(b)
    }
  }
  return (off / most, (difference / length).squareRoot())
}
