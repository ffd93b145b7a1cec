import JSON
import Tensors
import Testing

@testable import Adapters

/// Zeros that fill up A and B change no update, and PEFT finds every module with the rank that it has.
@Suite struct RankLayoutTests {
  /// A module with numbers that depend on its name alone.
  private func module(
    _ name: String, rank: Int, _ kind: LoRAModule.Kind = .linear, dtype: DType = .f32
  ) -> MergedAdapter.Module {
    let stream = RandomStream(seed: 7, name)
    func tensor(_ shape: [Int], from start: UInt64) -> Tensor {
      let values = (0..<shape.reduce(1, *)).map { index in
        Float(Double(stream.block(start + UInt64(index)).0 >> 40) / Double(1 << 24) - 0.5)
      }
      return Tensor(values, shape: shape, dtype: dtype)
    }
    let isWide = kind == .convolution
    return .init(
      name: name, kind: kind, a: tensor([rank] + (isWide ? [2, 3, 3] : [7]), from: 0),
      b: tensor([5, rank] + (isWide ? [1, 1] : []), from: 1000))
  }

  /// B·A by three plain loops.
  private func delta(_ module: MergedAdapter.Module) throws -> [Float] {
    let (a, b) = (try module.a.floats(), try module.b.floats())
    let (rows, rank) = (module.b.shape[0], module.rank)
    let columns = a.count / rank
    var delta = [Float](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for inner in 0..<rank {
        for column in 0..<columns {
          delta[row * columns + column] += b[row * rank + inner] * a[inner * columns + column]
        }
      }
    }
    return delta
  }

  /// Modules of random names and ranks, among them such as PEFT takes together.
  private func modules(_ seed: UInt64) -> [MergedAdapter.Module] {
    let stream = RandomStream(seed: seed, "modules")
    let names = [
      "model.layers.0.q", "model.layers.1.q", "layers.1.q", "q", "model.lm_head", "model.layers.0.mlp.experts.0.w1",
      "model.layers.0.mlp.experts.1.w1", "model.layers.1.mlp.experts.0.w2", "model.layers.0.mlp.gate", "x.attn",
      "x.attn.base_layer.out_proj", "odd+[1].name",
    ]
    let kinds: [LoRAModule.Kind] = [.linear, .convolution, .embedding]
    return names.enumerated().compactMap { index, name in
      let (first, second) = stream.block(UInt64(index))
      guard first % 4 > 0 else { return nil }
      let dtype: DType = [.f32, .bf16, .f16][Int(seed % 3)]
      return module(name, rank: Int(second % 6) + 1, kinds[Int(second >> 8) % 3], dtype: dtype)
    }
  }

  @Test(arguments: 0..<60 as Range<UInt64>, [RankLayout.Style.uniform, .exact, nil])
  func layoutsChangeNoUpdate(_ seed: UInt64, _ style: RankLayout.Style?) throws {
    let modules = modules(seed)
    try #require(!modules.isEmpty)
    let merged = MergedAdapter(modules: modules, inputs: [try AdapterConfig(config())], baseModel: nil, style: style)
    let reading = PEFTReading(try AdapterConfig(Bytes(Array(merged.configText.utf8))), merged.tensors)
    #expect(reading.misreading == nil)
    let written = Dictionary(uniqueKeysWithValues: merged.modules.map { ($0.name, $0) })
    for module in modules {
      let other = try #require(written[module.name])
      #expect(other.neededRank == module.rank)
      #expect(try delta(other).map(\.bitPattern) == delta(module).map(\.bitPattern))
    }
    let ranks = Set(merged.modules.map(\.rank))
    if style == .uniform { #expect(ranks == [modules.map(\.rank).max()]) }
    if ranks.count == 1 {
      #expect(merged.ranks.style == .uniform)
      #expect(merged.config["rank_pattern"] == [:])
    }
    // Cut back to what it needs it is what it was.
    for module in modules {
      let back = try #require(written[module.name]).written(withRank: module.rank)
      #expect(back.a.shape == module.a.shape && back.b.shape == module.b.shape)
      #expect(try back.a.floats() == module.a.floats() && back.b.floats() == module.b.floats())
    }
  }

  @Test func oneRankIsTheDefaultWhereItCostsLittle() {
    func layout(_ ranks: [Int], _ style: RankLayout.Style? = nil) -> RankLayout {
      RankLayout(
        ranks.enumerated().map { .init(name: "m\($0)", rank: $1, width: 10) }, style: style)
    }
    // 20 · 8 numbers where 19 · 8 + 4 are needed.
    let cheap = layout([Int](repeating: 8, count: 19) + [4])
    #expect(cheap.style == .uniform && cheap.rank == 8 && cheap.rank(of: "m19") == 8)
    #expect(abs(cheap.uniformCost - 160.0 / 156 + 1) < 1e-12)
    let dear = layout([8, 4])
    #expect(dear.style == .exact && dear.rank == 4 && dear.extremes == 4...8)
    #expect(layout([8, 4], .uniform).rank(of: "m1") == 8)
    #expect(layout([Int](repeating: 8, count: 19) + [4], .exact).rank(of: "m19") == 4)
    // Ten per cent are not less than ten per cent.
    #expect(layout([11, 9]).style == .exact)
    #expect(layout([8, 8], .exact).style == .uniform)
  }
}
