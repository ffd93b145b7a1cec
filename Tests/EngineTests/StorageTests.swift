import Models
import Tensors
import Testing

@testable import Engine

/// How weights are stored decides what they are, and nothing else.
@Suite struct StorageTests {
  /// A random model whose matrices have more rows than are widened at a time, of weights that 16 bits hold.
  private func model(as dtype: DType) throws -> LanguageModel {
    let (width, feedForward, vocabulary) = (24, 700, 400)
    let shape = ModelShape(
      family: "llama", vocabulary: vocabulary, width: width, layerCount: 2, headCount: 3, keyValueHeadCount: 1,
      headWidth: 8, feedForwardWidth: feedForward, normEpsilon: 1e-5, windows: [nil, 20],
      rotation: RotaryEmbedding(frequencies: [1, 0.1, 0.01, 0.001]), maximumLength: 200)
    var state: UInt64 = 9
    func matrix(_ rows: Int, _ columns: Int) throws -> WeightMatrix {
      let values = (0..<rows * columns).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (Float(state >> 40) / Float(1 << 23) - 1) / Float(columns).squareRoot()
      }
      let rounded = try Tensor(values, shape: [rows, columns], dtype: .bf16).floats()
      return WeightMatrix(Tensor(rounded, shape: [rows, columns], dtype: dtype))
    }
    let ones = [Float](repeating: 1, count: width)
    let embeddings = try matrix(vocabulary, width)
    let layers = try (0..<2).map { layer in
      func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws -> LanguageModel.Linear {
        LanguageModel.Linear(name: "model.layers.\(layer).\(name)", weight: try matrix(outputs, inputs))
      }
      return LanguageModel.Layer(
        inputNorm: ones, query: try linear("self_attn.q_proj", 24, width),
        key: try linear("self_attn.k_proj", 8, width),
        value: try linear("self_attn.v_proj", 8, width), output: try linear("self_attn.o_proj", width, 24),
        feedForwardNorm: ones, gate: try linear("mlp.gate_proj", feedForward, width),
        up: try linear("mlp.up_proj", feedForward, width), down: try linear("mlp.down_proj", width, feedForward))
    }
    return LanguageModel(shape: shape, embeddings: embeddings, layers: layers, finalNorm: ones, head: embeddings)
  }

  @Test func weightsWidenedSomeRowsAtATimeGiveTheSameBits() throws {
    let (wide, narrow) = (try model(as: .f32), try model(as: .bf16))
    #expect(narrow.head.needsScratch && !wide.head.needsScratch)
    let adapter = try HandmadeAdapter(factors: PropertyTests.all(wide, scaleOfB: 0.3)).adapter()
    let samples = PropertyTests.samples(vocabulary: 400)
    let (expected, found) = (Collected(), Collected())
    let losses = try Engine(model: wide, adapter: adapter, threads: 2).gradients(of: samples, into: expected)
    #expect(try Engine(model: narrow, adapter: adapter, threads: 2).gradients(of: samples, into: found) == losses)
    #expect(losses.allSatisfy { loss($0).isFinite })
    #expect((found.gradients == expected.gradients) as Bool)
  }
}
