import Adapters
import Foundation
import JSON
import Tensors
import TestSupport

/// What a client hands in for one checkpoint, as plain numbers.
struct Evidence {
  var client: String
  var step: Int
  var learningRate: Double
  var betas: (Double, Double)
  var epsilon: Double
  var optimizerStep: Double
  var domains: [String]
  var ownDomain: Int?
  var splits: [UInt32]
  var ids: [String]
  var tokens: [Double]
  var losses: [Double]
  var tensorNames: [String]
  /// By tensor: all samples' gradients, the training samples first, row-major.
  var gradients: [[Float]]
  var first: [[Float]]
  var second: [[Float]]
  /// By domain, by tensor: all validation samples, row-major.
  var validation: [[[Float]]]
  var validationCounts: [Int]

  var sampleCount: Int { ids.count }
  func elementCount(_ tensor: Int) -> Int { first[tensor].count }
}

extension Evidence {
  /// A checkpoint of the fixture that the Hugging Face Trainer wrote.
  init(tiny client: String, step: Int) throws {
    let folder = fixture("tiny/\(client)/checkpoint-\(step)")
    func file(_ name: String) throws -> SafetensorsFile {
      try SafetensorsFile(Bytes(mapping: "\(folder)/gradients/\(name).safetensors"))
    }
    func floats(_ file: SafetensorsFile, _ name: String) throws -> [Float] { try file.tensors[name]!.floats() }
    let parts = [try file("train"), try file("anchor")]
    let names = parts[0].names.filter { $0.contains("lora_") }
    let counts = parts.map { $0.tensors["loss"]!.count }
    let optimizer = try OptimizerState(Bytes(mapping: folder + "/optimizer.pt"))
    let moments = try optimizer.moments(
      for: names.map { ($0, Array(parts[0].tensors[$0]!.shape.dropFirst())) })
    let rate = LearningRate(log: try TrainerState(Bytes(mapping: folder + "/trainer_state.json")))!
    let domains = ["c0", "c1"]
    let validation = try domains.map { try file("validation.\($0)") }
    self.init(
      client: client, step: step, learningRate: rate.mean,
      betas: (optimizer.groups[0].beta1, optimizer.groups[0].beta2), epsilon: optimizer.groups[0].epsilon,
      optimizerStep: Double(moments[names[0]]!.step), domains: domains, ownDomain: domains.firstIndex(of: client),
      splits: zip(counts, [0, 1]).flatMap { [UInt32](repeating: $1, count: $0) },
      ids: zip(counts, ["train", "anchor"]).flatMap { count, split in (0..<count).map { "\(client)-\(split)-\($0)" } },
      tokens: try parts.flatMap { try $0.tensors["tokens"]!.integers().map(Double.init) },
      losses: try parts.flatMap { try floats($0, "loss").map(Double.init) },
      tensorNames: names,
      gradients: try names.map { name in try parts.flatMap { try floats($0, name) } },
      first: try names.map { try moments[$0]!.first.floats() },
      second: try names.map { try moments[$0]!.second.floats() },
      validation: try validation.map { file in try names.map { try floats(file, $0) } },
      validationCounts: validation.map { $0.tensors["loss"]!.count })
  }

  /// Both checkpoints of a client of the fixture.
  static func tiny(_ client: String) throws -> [Evidence] { try [4, 8].map { try Evidence(tiny: client, step: $0) } }
}

// What the formulas say, in double precision and without a thought for speed.
extension Evidence {
  /// A sample's gradient with respect to all parameters.
  func gradient(_ sample: Int) -> [Double] {
    gradients.indices.flatMap { tensor in
      row(sample, of: gradients[tensor], width: elementCount(tensor))
    }
  }

  func validationGradient(_ sample: Int, of domain: Int) -> [Double] {
    gradients.indices.flatMap { row(sample, of: validation[domain][$0], width: elementCount($0)) }
  }

  func validationMean(_ domain: Int) -> [Double] {
    mean((0..<validationCounts[domain]).map { validationGradient($0, of: domain) })
  }

  /// Γ in each of its variants.
  func preconditioned(
    _ sample: Int, momentum: Bool = true, outside: Bool = false, corrected: Bool = false,
    betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8
  ) -> [Double] {
    let corrections =
      corrected ? (1 - pow(betas.0, optimizerStep + 1), 1 - pow(betas.1, optimizerStep + 1)) : (1, 1)
    let moments = zip(first.joined(), second.joined())
    return zip(gradient(sample), moments).map { g, moments in
      let numerator = momentum ? (betas.0 * Double(moments.0) + (1 - betas.0) * g) / corrections.0 : g
      let square = (betas.1 * Double(moments.1) + (1 - betas.1) * g * g) / corrections.1
      return numerator / (outside ? square.squareRoot() + epsilon : (square + epsilon).squareRoot())
    }
  }

  private func row(_ index: Int, of values: [Float], width: Int) -> [Double] {
    values[index * width..<(index + 1) * width].map(Double.init)
  }

  /// The ledger that a client would write: without gradients, but with what they say about each other.
  var ledger: [String: [Double]] {
    var columns = ["tokens": tokens, "loss": losses]
    let vectors: [(String, (Int) -> [Double])] = [
      ("gradient", gradient), ("adam", { preconditioned($0, momentum: false) }), ("reference", { preconditioned($0) }),
    ]
    let means = domains.indices.map(validationMean)
    for (name, vector) in vectors {
      let all = ids.indices.map(vector)
      columns["\(name)_norm"] = all.map(norm)
      for (index, domain) in domains.enumerated() {
        columns[(name == "gradient" ? "dot" : "\(name)_dot") + ".\(domain)"] = all.map { dot($0, means[index]) }
        columns["validation_norm.\(domain)"] = all.map { _ in norm(means[index]) }
      }
    }
    return columns
  }
}

func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
func mean(_ vectors: [[Double]]) -> [Double] {
  vectors[0].indices.map { index in vectors.reduce(0) { $0 + $1[index] } / Double(vectors.count) }
}
func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
