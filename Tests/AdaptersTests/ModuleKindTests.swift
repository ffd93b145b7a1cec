import Adapters
import JSON
import Tensors
import Testing

@Suite struct ModuleKindTests {
  @Test func linear() throws {
    let adapter = try adapter([:], smallest)
    let module = try #require(adapter.modules["q"])
    #expect(module.kind == .linear)
    #expect(module.outputs == 3 && module.inputs == 5 && module.rank == 2)
    #expect(module.bias == nil)
  }

  @Test func embedding() throws {
    let adapter = try adapter([:], ["base_model.model.e.lora_embedding_A": [2, 9], "e.lora_embedding_B": [4, 2]])
    let module = try #require(adapter.modules["e"])
    #expect(module.kind == .embedding)
    #expect(module.outputs == 4 && module.inputs == 9)
  }

  @Test func convolutionsAreFlattened() throws {
    let adapter = try adapter(
      [:],
      [
        "c.lora_A.weight": [2, 3, 5, 7], "c.lora_B.weight": [4, 2, 1, 1], "d.lora_A.weight": [2, 3, 5],
        "d.lora_B.weight": [6, 2, 1],
      ])
    #expect(adapter.modules["c"]?.kind == .convolution)
    #expect(adapter.modules["c"]?.inputs == 105)
    #expect(adapter.modules["d"]?.inputs == 15)
    #expect(adapter.modules["d"]?.outputs == 6)
  }

  @Test func biasesOfBAreKept() throws {
    let adapter = try adapter(
      ["lora_bias": true], ["q.lora_A.weight": [2, 5], "q.lora_B.weight": [3, 2], "q.lora_B.bias": [3]])
    #expect(adapter.modules["q"]?.bias?.shape == [3])
    #expect(adapter.config.hasBias)
  }

  @Test func absolutesAreKeptApart() throws {
    let adapter = try adapter(
      ["modules_to_save": ["lm_head"]],
      [
        "q.lora_A.weight": [2, 5], "q.lora_B.weight": [3, 2], "base_model.model.lm_head.weight": [7, 3], "q.bias": [3],
      ])
    #expect(Set(adapter.absolutes.keys) == ["lm_head.weight", "q.bias"])
    #expect(adapter.modules.count == 1)
  }
}
