import Adapters
import Diagnostics
import Models

/// One of the seven linear layers of a block.
package enum LinearRole: Int, Sendable, CaseIterable {
  case query, key, value, output, gate, up, down

  /// The stage with the same input: its layers are processed together.
  var stage: Stage {
    switch self {
    case .query, .key, .value: .attention
    case .output: .output
    case .gate, .up: .feedForward
    case .down: .down
    }
  }

  package func layer(of block: LanguageModel.Layer) -> LanguageModel.Linear {
    switch self {
    case .query: block.query
    case .key: block.key
    case .value: block.value
    case .output: block.output
    case .gate: block.gate
    case .up: block.up
    case .down: block.down
    }
  }
}

/// Linear layers with the same input, in the order of the forward pass.
enum Stage: Int, CaseIterable, Comparable {
  case attention, output, feedForward, down

  static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
}

/// An adapted linear layer in the engine's order: by layer, then in the order of ``LinearRole``.
package struct AdaptedModule: Sendable {
  package let place: Int
  package let name: String
  package let layer: Int
  package let role: LinearRole
  package let rank: Int
  package let inputs: Int
  package let outputs: Int

  /// The names of A and B, as in `adapter_model.safetensors`, after PEFT's prefix.
  package var parameters: [String] { LoRAModule.parameters(name, .linear) }
}

/// An adapter, arranged by the layers of a model.
struct Adaptation {
  let modules: [AdaptedModule]
  private var groups: [[Stage: LoRAGroup]]

  /// The lowest adapted layer, below which no gradient is needed; nil without an adapter.
  let lowest: Int?

  func group(_ layer: Int, _ stage: Stage) -> LoRAGroup? { groups[layer][stage] }

  /// The lowest adapted stage of a layer.
  func lowestStage(of layer: Int) -> Stage? { groups[layer].keys.min() }

  /// The number of rows of the highest stack of A in a stage, over all layers; 0 if none is adapted.
  func mostRank(of stage: Stage) -> Int { groups.compactMap { $0[stage]?.rank }.max() ?? 0 }

  /// The same over all stages.
  var mostRank: Int { groups.flatMap(\.values).map(\.rank).max() ?? 0 }

  /// - throws: ``Failure`` `badData` for what the engine does not support, by name.
  init(_ adapter: Adapter?, _ model: LanguageModel) throws {
    var modules: [AdaptedModule] = []
    var groups: [[Stage: LoRAGroup]] = []
    var left = adapter?.modules ?? [:]
    try adapter.map(Self.refuseOtherThanLoRA)
    for (place, block) in model.layers.enumerated() {
      var members: [Stage: [LoRAGroup.Member]] = [:]
      var factors: [Stage: [Float]] = [:]
      for role in LinearRole.allCases {
        let linear = role.layer(of: block)
        guard let module = left.removeValue(forKey: linear.name) else { continue }
        let adapted = try Self.checked(module, linear, place, role, modules.count)
        modules.append(adapted)
        let first = members[role.stage, default: []].reduce(0) { $0 + $1.module.rank }
        try locating(tensor: module.name) {
          let scaling = Float(module.scaling)
          let (a, b) = (try module.a.floats(), try module.b.floats())
          guard (a + b).allSatisfy(\.isFinite) else {
            throw Failure(.badData, "contains NaN or infinite numbers", advice: "use an earlier checkpoint")
          }
          factors[role.stage, default: []] += a
          members[role.stage, default: []].append(
            LoRAGroup.Member(module: adapted, first: first, scaling: scaling, scaledB: b.map { $0 * scaling }))
        }
      }
      groups.append(
        Dictionary(
          uniqueKeysWithValues: members.map { stage, members in
            (stage, LoRAGroup(members: members, a: factors[stage] ?? []))
          }))
    }
    if let module = left.values.min(by: { $0.name < $1.name }) { throw Self.refusal(of: module, model) }
    self.modules = modules
    self.groups = groups
    lowest = groups.firstIndex { !$0.isEmpty }
  }

  /// The number of layers from the lowest adapted one on: those with a backward pass.
  func layersAbove(in shape: ModelShape) -> Int { shape.layerCount - min(lowest ?? 0, shape.layerCount) }

  /// The same adapted layers with other factors: by module, in the order of ``modules``, A then B.
  func with(_ factors: [[Float]]) -> Adaptation {
    var copy = self
    copy.groups = groups.map { $0.mapValues { $0.with(factors) } }
    return copy
  }

  private static func refuseOtherThanLoRA(_ adapter: Adapter) throws {
    func refusal(_ what: String, tensor: String? = nil) -> Failure {
      Failure(
        .badData, what,
        advice: "capture such an adapter in PyTorch, or train one with LoRA factors of linear layers only",
        tensor: tensor)
    }
    let config = adapter.config
    guard config.modulesToSave.isEmpty else {
      throw refusal(
        "trains modules_to_save (\(config.modulesToSave.joined(separator: ", "))), whose gradients are not LoRA's")
    }
    guard config.bias == "none" else {
      throw refusal("trains biases (bias: \(config.bias)), which the engine does not")
    }
    guard let replaced = adapter.absolutes.keys.min() else { return }
    throw refusal("replaces a tensor of the base model, which the engine does not", tensor: replaced)
  }

  private static func checked(
    _ module: LoRAModule, _ linear: LanguageModel.Linear, _ layer: Int, _ role: LinearRole, _ place: Int
  ) throws -> AdaptedModule {
    guard module.kind == .linear, module.a.shape.count == 2 else {
      throw Failure(.badData, "adapts a linear layer by a \(module.kind.rawValue)", tensor: module.name)
    }
    guard module.bias == nil else {
      throw Failure(
        .badData, "has a bias in addition to lora_B, which the engine does not train",
        advice: "train with lora_bias: false",
        tensor: module.name)
    }
    let weight = linear.weight
    guard module.inputs == weight.columnCount, module.outputs == weight.rowCount else {
      throw Failure(
        .badData,
        "has factors of a matrix [\(module.outputs), \(module.inputs)], but the base model's is "
          + "[\(weight.rowCount), \(weight.columnCount)]",
        advice: "give the base model that the adapter was trained on", tensor: module.name)
    }
    return AdaptedModule(
      place: place, name: module.name, layer: layer, role: role, rank: module.rank, inputs: module.inputs,
      outputs: module.outputs)
  }

  private static func refusal(of module: LoRAModule, _ model: LanguageModel) -> Failure {
    let what =
      switch module.kind {
      case .embedding: "adapts an embedding"
      case .convolution: "adapts a convolution"
      case .linear: "adapts no linear layer of the base model's \(model.layers.count) blocks"
      }
    return Failure(
      .badData, what,
      advice:
        "the engine knows q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj and down_proj; check that the base model "
        + "is the one that the adapter was trained on",
      tensor: module.name)
  }
}

/// The adapted layers of a stage: their A are stacked, because they have the same input.
struct LoRAGroup {
  struct Member {
    let module: AdaptedModule
    /// The first row of its A in the stack.
    let first: Int
    let scaling: Float
    /// s·B, [outputs, rank].
    let scaledB: [Float]

    var rows: Range<Int> { first..<first + module.rank }
  }

  let members: [Member]

  /// [rank, inputs].
  let a: [Float]

  var rank: Int { members.reduce(0) { $0 + $1.module.rank } }
  var inputs: Int { members[0].module.inputs }

  /// The rows of the stack that are a member's A.
  func withA<Result>(of member: Member, _ body: (UnsafePointer<Float>) throws -> Result) rethrows -> Result {
    try a.withUnsafeBufferPointer { stack in
      guard let start = stack.baseAddress else { preconditionFailure("a stack has rows") }
      return try body(start + member.first * inputs)
    }
  }

  fileprivate func with(_ factors: [[Float]]) -> LoRAGroup {
    LoRAGroup(
      members: members.map { member in
        let scaling = member.scaling
        return Member(
          module: member.module, first: member.first, scaling: scaling,
          scaledB: factors[2 * member.module.place + 1].map { $0 * scaling })
      }, a: members.flatMap { factors[2 * $0.module.place] })
  }
}
