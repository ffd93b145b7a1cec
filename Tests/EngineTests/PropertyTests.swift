import Adapters
import Models
import Tensors
import Testing

@testable import Engine

/// What must not change anything, to the bit.
@Suite struct PropertyTests {
  /// Lengths on both sides of panels and packs, answers anywhere.
  static func samples(vocabulary: Int) -> [EncodedSample] {
    [(5, 1), (40, 20), (33, 32), (32, 3), (64, 30), (17, 9), (50, 49), (2, 1), (31, 4), (63, 1)].enumerated().map {
      place, size in
      let tokens = (0..<size.0).map { Int32(($0 * 7 + place * 13 + $0 * $0 * 3) % vocabulary) }
      return EncodedSample(
        tokens: tokens, labels: tokens.enumerated().map { $0 < size.0 - size.1 ? -100 : $1 })
    }
  }

  private func engine(_ family: String, threads: Int = 1, packTokens: Int = 128) throws -> Engine {
    let folder = "\(fixtures)/models/\(family)"
    return try Engine(
      model: LanguageModel(at: folder), adapter: adapter(in: "\(folder)/adapter"), threads: threads,
      packTokens: packTokens)
  }

  @Test(arguments: ["llama3", "mistral", "qwen2", "qwen3-window"])
  func neitherThreadsNorOrderNorCompanyChangeABit(_ family: String) throws {
    let samples = Self.samples(vocabulary: 61)
    let sink = Collected()
    let losses = try engine(family).gradients(of: samples, into: sink)
    #expect(losses.allSatisfy { loss($0).isFinite })
    for (threads, packTokens) in [(2, 128), (4, 128), (3, 1), (1, 10_000)] {
      let other = Collected()
      let found = try engine(family, threads: threads, packTokens: packTokens).gradients(of: samples, into: other)
      #expect(found == losses)
      #expect((other.gradients == sink.gradients) as Bool)
    }
    let turned = Collected()
    #expect(try engine(family, threads: 2).gradients(of: samples.reversed(), into: turned) == losses.reversed())
    for place in samples.indices {
      #expect((turned.gradients[samples.count - 1 - place] == sink.gradients[place]) as Bool)
    }
    #expect(try engine(family, threads: 2).losses(of: samples) == losses)
    let means = try [1, 2, 4].map { try engine(family, threads: $0).meanGradient(of: samples).mean.factors }
    #expect((means[1] == means[0] && means[2] == means[0]) as Bool)
  }

  @Test func anAdapterOfZeroIsTheUntunedModel() throws {
    let model = try LanguageModel(at: "\(fixtures)/models/qwen3")
    let zero = HandmadeAdapter(factors: Self.all(model, scaleOfB: 0))
    let samples = Self.samples(vocabulary: 61)
    let tuned = try Engine(model: model, adapter: zero.adapter(), threads: 2).losses(of: samples)
    #expect(try Engine(model: model, adapter: nil, threads: 2).losses(of: samples) == tuned)
  }

  /// Whichever layers are adapted: the others might as well be adapted by zero.
  @Test(arguments: [
    ["1.mlp.down_proj"], ["1.mlp.up_proj"], ["0.mlp.gate_proj", "1.self_attn.v_proj"], ["1.self_attn.o_proj"],
    ["0.self_attn.o_proj", "1.mlp.down_proj"], ["1.self_attn.k_proj"], ["0.self_attn.q_proj"],
  ]) func whatIsNotAdaptedIsNotNeeded(_ chosen: [String]) throws {
    let model = try LanguageModel(at: "\(fixtures)/models/llama-linear")
    let names = chosen.map { "model.layers.\($0)" }
    var all = Self.all(model, scaleOfB: 0)
    for place in all.indices where names.contains(all[place].module) { all[place].scaleOfB = 0.3 }
    let samples = Self.samples(vocabulary: 61)
    let (whole, part) = (Collected(), Collected())
    let losses = try Engine(model: model, adapter: HandmadeAdapter(factors: all).adapter(), threads: 2)
      .gradients(of: samples, into: whole)
    let few = HandmadeAdapter(factors: all.filter { names.contains($0.module) })
    #expect(try Engine(model: model, adapter: few.adapter(), threads: 2).gradients(of: samples, into: part) == losses)
    for place in samples.indices {
      let found = try #require(part.gradients[place])
      #expect(found.count == 2 * chosen.count)
      #expect(found.allSatisfy { whole.gradients[place]?[$0] == $1 })
      // Of two tokens only one is seen, so that attention has no choice.
      #expect(samples[place].tokens.count == 2 || found.allSatisfy { $1.contains { $0 != 0 } })
    }
  }

  /// All linear layers of a model.
  static func all(_ model: LanguageModel, scaleOfB: Float) -> [HandmadeAdapter.Factors] {
    model.layers.flatMap { block in
      LinearRole.allCases.map { role in
        let linear = role.layer(of: block)
        return HandmadeAdapter.Factors(
          module: linear.name, inputs: linear.weight.columnCount, outputs: linear.weight.rowCount, scaleOfB: scaleOfB)
      }
    }
  }
}
