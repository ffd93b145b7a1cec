import Adapters
import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@Suite struct AdapterTests {
  func read(_ name: String) throws -> Adapter {
    let folder = fixture("peft/adapters/\(name)")
    return try Adapter(
      config: Bytes(mapping: folder + "/adapter_config.json"), configFile: "adapter_config.json",
      weights: Bytes(mapping: folder + "/adapter_model.safetensors"), weightsFile: "adapter_model.safetensors")
  }

  @Test(arguments: [
    ("a", 8, 16, 2), ("b", 8, 8, 1), ("c", 8, 4, 0.5), ("r4", 4, 8, 2), ("rs", 8, 16, 16 / 8.0.squareRoot()),
    ("wide", 6, 12, 2), ("konly", 8, 8, 1),
  ])
  func ranksAndScalingsArePEFTs(_ name: String, _ rank: Int, _ alpha: Double, _ scaling: Double) throws {
    let adapter = try read(name)
    #expect(!adapter.modules.isEmpty)
    #expect(adapter.modules.values.allSatisfy { $0.rank == rank && $0.alpha == alpha && $0.scaling == scaling })
    #expect(adapter.config.baseModel == "clues/fixture")
    #expect(adapter.dtypes == [.f32])
    #expect(adapter.absolutes.isEmpty && adapter.notes.isEmpty)
  }

  @Test func patternsDecideInTheOrderOfTheFile() throws {
    let adapter = try read("pattern")
    #expect(adapter.modules.count == 21)
    for (name, module) in adapter.modules {
      let expected =
        switch name {
        case "model.layers.0.self_attn.q_proj": (2, 3.0)
        case _ where name.hasSuffix("q_proj"): (8, 3.0)
        case "model.layers.1.mlp.down_proj": (5, 7.0)
        case _ where name.hasSuffix("down_proj"): (5, 16.0)
        default: (8, 16.0)
        }
      #expect(module.rank == expected.0, "\(name)")
      #expect(module.scaling == expected.1 / Double(expected.0), "\(name)")
    }
  }

  @Test func deltasAreThoseOfPEFT() throws {
    let golden = try SafetensorsFile(Bytes(mapping: fixture("peft/cat.safetensors")))
    let shares = try [("a", 1.0), ("b", 0.5), ("r4", 2), ("rs", -0.5)].map { (try read($0.0), $0.1) }
    let deltas = golden.tensors.filter { $0.key.hasPrefix("delta:") }
    #expect(deltas.count == shares[0].0.modules.count)
    for (key, delta) in deltas {
      let expected = try delta.floats()
      var sum = [Double](repeating: 0, count: expected.count)
      for (adapter, weight) in shares {
        let module = try #require(adapter.modules[String(key.dropFirst(6))])
        let (a, b) = (try module.a.floats(), try module.b.floats())
        for row in 0..<module.outputs {
          for column in 0..<module.inputs {
            for rank in 0..<module.rank {
              sum[row * module.inputs + column] +=
                weight * module.scaling * Double(b[row * module.rank + rank]) * Double(a[rank * module.inputs + column])
            }
          }
        }
      }
      let largest = expected.map { Double($0.magnitude) }.max() ?? 0
      #expect(zip(sum, expected).allSatisfy { abs($0 - Double($1)) <= 1e-6 * largest })
    }
  }

  @Test func theFirstPatternThatMatchesCounts() throws {
    func alpha(_ patterns: JSONObject) throws -> Double? {
      try adapter(["alpha_pattern": .object(patterns)], smallest).modules["q"]?.alpha
    }
    #expect(try alpha(["q": 1, ".*": 2]) == 1)
    #expect(try alpha([".*": 2, "q": 1]) == 2)
    #expect(try alpha(["x": 3]) == 4)
    #expect(try adapter(["rank_pattern": ["q": 2, ".*": 8], "r": 64], smallest).modules["q"]?.rank == 2)
  }

  @Test func patternsThatNameNothingAreMentioned() throws {
    let adapter = try adapter(["alpha_pattern": ["q_proj": 3, "q": 1], "rank_pattern": ["v": 8]], smallest)
    #expect(adapter.notes == ["the pattern 'v' matches no module", "the pattern 'q_proj' matches no module"])
  }

  @Test func defaultsAreThoseOfPEFT() throws {
    var settings = config()
    for key in ["r", "lora_alpha", "base_model_name_or_path"] { settings[key] = .null }
    let adapter = try Adapter(
      config: Bytes(Array(JSONValue.object(settings).text().utf8)), configFile: "c",
      weights: Bytes(safetensors(tensors(["q.lora_A.weight": [8, 1], "q.lora_B.weight": [1, 8]]))), weightsFile: "w")
    #expect(adapter.modules["q"]?.scaling == 1)
    #expect(adapter.config.baseModel == nil)
    #expect(!adapter.config.usesRsLoRA && !adapter.config.fanInFanOut && !adapter.config.hasBias)
  }

  @Test func alphaMayHaveAFraction() throws {
    #expect(try adapter(["lora_alpha": 0.5], smallest).modules["q"]?.scaling == 0.25)
    #expect(try adapter(["lora_alpha": -2], smallest).modules["q"]?.scaling == -1)
  }

  @Test func rsLoRADividesByTheRoot() throws {
    let adapter = try adapter(["use_rslora": true, "alpha_pattern": ["q": 3]], smallest)
    #expect(adapter.modules["q"]?.scaling == 3 / 2.0.squareRoot())
  }

  @Test func fixturesOfRealTrainingAreRead() throws {
    for checkpoint in ["c0/checkpoint-4", "c1/checkpoint-8", "c0/init"] {
      let folder = fixture("tiny/\(checkpoint)")
      let adapter = try Adapter(
        config: Bytes(mapping: folder + "/adapter_config.json"), configFile: "c",
        weights: Bytes(mapping: folder + "/adapter_model.safetensors"), weightsFile: "w")
      #expect(adapter.modules.count == 4)
      #expect(adapter.parameterCount == adapter.modules.values.reduce(0) { $0 + $1.rank * ($1.inputs + $1.outputs) })
    }
  }
}
