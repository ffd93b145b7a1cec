import Adapters
import Diagnostics
import Foundation
import Models
import Tensors
import TestSupport
import Testing

@testable import Runs

/// Adapters in GGUF hold what llama.cpp's own converter writes, and mean what PEFT's adapter means.
@Suite struct GGUFAdapterTests {
  private func converted(
    _ adapter: String, base: String, dtype: DType = .f32, in folder: URL
  ) throws -> GGUFFile {
    let output = folder.appending(path: "adapter.gguf").path
    var conversion = Conversion(source: adapter, output: output, base: base)
    conversion.dtype = dtype
    conversion.replaces = true
    _ = try conversion.run()
    return try GGUFFile(Bytes(mapping: output))
  }

  private func adapter(_ folder: String) throws -> Adapter {
    try Adapter(
      config: Bytes(mapping: folder + "/" + PEFTFile.config), configFile: PEFTFile.config,
      weights: Bytes(mapping: folder + "/" + PEFTFile.weights), weightsFile: PEFTFile.weights)
  }

  @Test(arguments: ["llama2", "mistral-full", "qwen2", "qwen3"])
  func `tensors are those of llama.cpp's converter`(_ name: String) throws {
    try withTemporaryFolder { folder in
      let ours = try converted(
        fixture("models/\(name)/adapter"), base: fixture("models/\(name)"), in: folder)
      let theirs = try GGUFFile(Bytes(mapping: fixture("gguf/adapters/\(name).gguf")))
      #expect(Set(ours.tensors.keys) == Set(theirs.tensors.keys))
      for (key, tensor) in theirs.tensors {
        let found = try #require(ours.tensors[key])
        #expect(found.shape == tensor.shape && found.format == tensor.format, "\(key)")
        #expect(found.bytes.withUnsafeBytes(Array.init) == tensor.bytes.withUnsafeBytes(Array.init), "\(key)")
      }
      for key in ["general.architecture", "general.type", "adapter.type"] {
        #expect(try ours.metadata.text(key) == theirs.metadata.text(key))
      }
      // That converter overlooks rsLoRA, which two of these adapters have.
      let module = try #require(try adapter(fixture("models/\(name)/adapter")).modules.values.first)
      #expect(ours.metadata["adapter.lora.alpha"] == .number(Double(Float(module.scaling * Double(module.rank)))))
    }
  }

  @Test(arguments: [
    ("llama3", DType.f32, 1e-6), ("llama3", .f16, 2e-3), ("qwen2", .bf16, 2e-2), ("llama-yarn", .f32, 1e-6),
  ])
  func `every layer has the update that PEFT gives it`(_ name: String, _ dtype: DType, _ tolerance: Double) throws {
    try withTemporaryFolder { folder in
      let (source, base) = (fixture("models/\(name)/adapter"), fixture("models/\(name)"))
      let file = try converted(source, base: base, dtype: dtype, in: folder)
      let outline = try ModelOutline(at: base)
      let alpha = try #require(
        file.metadata["adapter.lora.alpha"].flatMap { if case .number(let it) = $0 { it } else { nil } })
      let modules = try adapter(source).modules
      #expect(file.tensors.count == 2 * modules.count)
      for module in modules.values {
        let target = try outline.target(ofLayer: module.name)
        let a = try values(#require(file.tensors[target.name + ".lora_a"]))
        let b = try values(#require(file.tensors[target.name + ".lora_b"]))
        let rank = a.count / module.inputs
        let (theirA, theirB) = (try module.a.floats(), try module.b.floats())
        var (error, size) = (0.0, 0.0)
        for output in 0..<module.outputs {
          // Written out here as llama.cpp's `permute` does it.
          let row =
            isRotated(module.name) && outline.architecture == "llama"
            ? paired(output, headWidth: outline.shape.headWidth) : output
          for input in 0..<module.inputs {
            var (found, meant) = (0.0, 0.0)
            for unit in 0..<rank { found += b[row * rank + unit] * a[unit * module.inputs + input] }
            for unit in 0..<module.rank {
              meant += Double(theirB[output * module.rank + unit]) * Double(theirA[unit * module.inputs + input])
            }
            let difference = found * alpha / Double(rank) - meant * module.scaling
            error += difference * difference
            size += meant * meant * module.scaling * module.scaling
          }
        }
        #expect(error.squareRoot() <= tolerance * size.squareRoot(), "\(module.name)")
      }
    }
  }

  private func isRotated(_ name: String) -> Bool { name.hasSuffix("q_proj") || name.hasSuffix("k_proj") }

  private func paired(_ row: Int, headWidth: Int) -> Int {
    let (head, place) = (row / headWidth, row % headWidth)
    return head * headWidth + place % (headWidth / 2) * 2 + place / (headWidth / 2)
  }

  private func values(_ tensor: GGUFFile.Tensor) throws -> [Double] {
    let types: [WeightFormat: DType] = [.f32: .f32, .f16: .f16, .bf16: .bf16]
    return try Tensor(dtype: #require(types[tensor.format]), shape: tensor.shape, bytes: tensor.bytes).floats()
      .map(Double.init)
  }

  @Test func `the embeddings' A is transposed, as llama.cpp looks it up by word`() throws {
    let outline = try ModelOutline(at: fixture("models/llama2"))
    let (vocabulary, width) = (outline.shape.vocabulary, outline.shape.width)
    let a = Tensor((0..<2 * vocabulary).map(Float.init), shape: [2, vocabulary])
    let b = Tensor((0..<2 * width).map(Float.init), shape: [width, 2])
    let content = try GGUFAdapter(
      [.init(name: "model.embed_tokens", kind: .embedding, a: a, b: b)], scaling: 0.5, base: outline)
    let stored = try #require(content.tensors["token_embd.weight.lora_a"])
    #expect(stored.shape == [vocabulary, 2])
    #expect(try stored.floats() == (0..<vocabulary).flatMap { [Float($0), Float($0 + vocabulary)] })
    #expect(content.tensors["token_embd.weight.lora_b"]?.shape == [width, 2])
    #expect(content.metadata.last?.value == .number(1))
  }

  @Test func `layers that the base model lacks are refused by name`() throws {
    let (tied, free) = (
      try ModelOutline(at: fixture("models/llama3")), try ModelOutline(at: fixture("models/llama2"))
    )
    #expect(try free.target(ofLayer: "lm_head").name == "output.weight")
    #expect(try free.target(ofLayer: "layers.1.mlp.up_proj").name == "blk.1.ffn_up.weight")
    let head = try failure { _ = try tied.target(ofLayer: "lm_head") }
    #expect(head.kind == .badData && head.tensor == "lm_head" && head.message.contains("embeddings"))
    for layer in [
      "model.layers.2.mlp.up_proj", "model.layers.01.mlp.up_proj", "model.layers.-1.mlp.up_proj",
      "model.layers.0.mlp.experts.0.up_proj", "model.layers.0", "transformer.h.0.attn.c_attn", "model.model.norm", "",
    ] {
      let failure = try failure { _ = try free.target(ofLayer: layer) }
      #expect(failure.kind == .badData && failure.tensor == layer, "\(layer)")
    }
  }

  @Test func `an outline is the same from a folder, its config and a GGUF file`() throws {
    for name in ["llama3", "mistral-full", "qwen2", "qwen3"] {
      let (folder, config, file) = (
        try ModelOutline(at: fixture("models/\(name)")), try ModelOutline(at: fixture("models/\(name)/config.json")),
        try ModelOutline(at: fixture("gguf/\(name).gguf"))
      )
      #expect(folder.shape == config.shape && folder.isTied == config.isTied)
      #expect(folder.architecture == file.architecture)
      for layer in ["model.embed_tokens", "model.layers.1.self_attn.q_proj", "model.layers.0.mlp.down_proj"] {
        #expect(try folder.target(ofLayer: layer).name == file.target(ofLayer: layer).name)
        #expect(try folder.target(ofLayer: layer).shape == file.target(ofLayer: layer).shape)
      }
    }
  }
}
