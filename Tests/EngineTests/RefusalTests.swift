import Adapters
import Diagnostics
import Models
import Tensors
import Testing

@testable import Engine

/// What comes from outside and cannot be measured is told, and does no harm to what stands beside it.
@Suite struct RefusalTests {
  private func model() throws -> LanguageModel { try LanguageModel(at: "\(fixtures)/models/llama2") }

  private let query = HandmadeAdapter.Factors(module: "model.layers.0.self_attn.q_proj", inputs: 32, outputs: 32)

  @Test func samplesThatCannotBeMeasuredSayWhy() throws {
    let good = EncodedSample(tokens: [1, 2, 3, 4], labels: [-100, -100, 3, 4])
    let bad: [(EncodedSample, String)] = [
      (
        EncodedSample(tokens: [1, 61, 3], labels: [-100, -100, 3]),
        "it has the token 61, and the model's vocabulary ends at 60"
      ),
      (
        EncodedSample(tokens: [1, -1, 3], labels: [-100, -100, 3]),
        "it has the token -1, and the model's vocabulary ends at 60"
      ),
      (
        EncodedSample(tokens: [1, 2, 3], labels: [-100, -100, 99]),
        "it has the label 99, and the model's vocabulary ends at 60"
      ),
      (
        EncodedSample(tokens: [1, 2, 3], labels: [-100, -5, 3]),
        "it has the label -5, and the model's vocabulary ends at 60"
      ),
      (EncodedSample(tokens: [1, 2, 3], labels: [-100, 2]), "it has 3 tokens but 2 labels"),
      (EncodedSample(tokens: [], labels: []), "none of its tokens after the first is learned"),
      (EncodedSample(tokens: [1], labels: [1]), "none of its tokens after the first is learned"),
      (EncodedSample(tokens: [1, 2], labels: [-100, -100]), "none of its tokens after the first is learned"),
      (
        EncodedSample(tokens: Array(repeating: 1, count: 65), labels: Array(repeating: 1, count: 65)),
        "it has 65 tokens, and the model takes 64 at the most"
      ),
    ]
    let engine = try Engine(model: model(), adapter: HandmadeAdapter(factors: [query]).adapter(), threads: 2)
    let alone = try engine.losses(of: [good])
    let sink = Collected()
    let samples = [good] + bad.map(\.0) + [good]
    let found = try engine.gradients(of: samples, into: sink)
    #expect(found.first == alone[0] && found.last == alone[0])
    for (place, expected) in bad.enumerated() { #expect(found[1 + place] == .unmeasured(reason: expected.1)) }
    #expect(Set(sink.gradients.keys) == [0, samples.count - 1])
    #expect(try engine.losses(of: []) == [])
    #expect(try engine.losses(of: [bad[0].0]) == [.unmeasured(reason: bad[0].1)])
    #expect(throws: Failure.self) { try engine.meanGradient(of: samples) }
    #expect(throws: Failure.self) { try engine.meanGradient(of: []) }
  }

  @Test func aLossThatIsNotFiniteTouchesNobodyElse() throws {
    let model = try model()
    var embeddings: [Float] = []
    try model.embeddings.withFloats(0..<61, scratch: nil) { rows in embeddings = (0..<61 * 32).map { rows[$0] } }
    embeddings[5 * 32] = .nan
    let broken = LanguageModel(
      shape: model.shape, embeddings: WeightMatrix(Tensor(embeddings, shape: [61, 32])), layers: model.layers,
      finalNorm: model.finalNorm, head: model.head)
    let samples = [
      EncodedSample(tokens: [1, 2, 3, 4], labels: [-100, 2, 3, 4]),
      EncodedSample(tokens: [1, 5, 3, 4], labels: [-100, 5, 3, 4]),
      EncodedSample(tokens: [1, 7, 3, 4], labels: [-100, 7, 3, 4]),
    ]
    let (sound, unsound) = (Collected(), Collected())
    let adapter = try HandmadeAdapter(factors: [query]).adapter()
    let expected = try Engine(model: model, adapter: adapter, threads: 1).gradients(of: samples, into: sound)
    let engine = try Engine(model: broken, adapter: adapter, threads: 1)
    let found = try engine.gradients(of: samples, into: unsound)
    #expect(found[0] == expected[0] && found[2] == expected[2])
    guard case .unmeasured(let reason) = found[1] else {
      Issue.record("\(found[1])")
      return
    }
    #expect(reason.hasPrefix("its loss is "))
    #expect(unsound.gradients == sound.gradients.filter { $0.key != 1 })
    let sums = try LedgerSums(samples: 3, modules: engine.modules, moments: nil, targets: [])
    try engine.gradients(of: samples, into: sums)
    #expect(sums.row(of: 1) == nil && sums.row(of: 0)?.adam == nil && sums.row(of: 0)?.gradient.dots == [])
    #expect(throws: Failure.self) { try engine.meanGradient(of: samples) }
  }

  @Test(arguments: [
    (
      HandmadeAdapter(factors: [.init(module: "model.layers.0.self_attn.q_proj", inputs: 32, outputs: 31)]),
      "has factors of a matrix [31, 32], but the base model's is [32, 32]"
    ),
    (
      HandmadeAdapter(factors: [.init(module: "model.layers.2.self_attn.q_proj", inputs: 32, outputs: 32)]),
      "adapts no linear layer of the base model's 2 blocks"
    ),
    (
      HandmadeAdapter(factors: [.init(module: "lm_head", inputs: 32, outputs: 61)]),
      "adapts no linear layer of the base model's 2 blocks"
    ),
    (
      HandmadeAdapter(
        factors: [],
        extra: [("model.embed_tokens.lora_embedding_A", [3, 61]), ("model.embed_tokens.lora_embedding_B", [32, 3])]),
      "adapts an embedding"
    ),
    (
      HandmadeAdapter(
        factors: [],
        extra: [
          ("model.layers.0.self_attn.q_proj.lora_A.weight", [3, 32, 2]),
          ("model.layers.0.self_attn.q_proj.lora_B.weight", [32, 3, 1]),
        ]), "adapts a linear layer by a convolution"
    ),
    (
      HandmadeAdapter(
        factors: [.init(module: "model.layers.0.self_attn.q_proj", inputs: 32, outputs: 32)],
        extra: [("lm_head.weight", [61, 32])], settings: "\"modules_to_save\":[\"lm_head\"]"),
      "trains modules_to_save (lm_head), whose gradients are not LoRA's"
    ),
    (
      HandmadeAdapter(
        factors: [.init(module: "model.layers.0.self_attn.q_proj", inputs: 32, outputs: 32)],
        extra: [("model.layers.0.self_attn.q_proj.lora_B.bias", [32])], settings: "\"lora_bias\":true"),
      "has a bias beside lora_B, which the engine does not train"
    ),
    (
      HandmadeAdapter(
        factors: [.init(module: "model.layers.0.self_attn.q_proj", inputs: 32, outputs: 32)],
        extra: [("model.layers.0.self_attn.q_proj.bias", [32])], settings: "\"bias\":\"lora_only\""),
      "trains biases (bias: lora_only), which the engine does not"
    ),
  ]) func adaptersThatCannotBeFollowedAreRefused(_ handmade: HandmadeAdapter, _ message: String) throws {
    let failure = #expect(throws: Failure.self) {
      try Engine(model: model(), adapter: handmade.adapter(), threads: 1)
    }
    #expect(failure?.message == message)
    #expect(failure?.kind == .badData)
  }
}
