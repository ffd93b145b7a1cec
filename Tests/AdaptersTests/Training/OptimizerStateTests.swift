import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Adapters

@Suite struct OptimizerStateTests {
  private static let checkpoints = ["c0/checkpoint-4", "c0/checkpoint-8", "c1/checkpoint-4", "c1/checkpoint-8"]

  @Test(arguments: checkpoints) func findsTheMomentsThatTorchHad(_ checkpoint: String) throws {
    let folder = "tiny/\(checkpoint)"
    let file = try Bytes(mapping: fixture("\(folder)/optimizer.pt"))
    let state = try OptimizerState(file)
    let expected = try SafetensorsFile(try Bytes(mapping: fixture("\(folder)/expected_moments.safetensors"))).tensors
    let adapter = try SafetensorsFile(try Bytes(mapping: fixture("\(folder)/adapter_model.safetensors")))
    let moments = try state.moments(for: adapter.names.map { ($0, adapter.tensors[$0]?.shape ?? []) })
    #expect(moments.count == 8)
    #expect(expected.count == 16)
    for (name, found) in moments {
      #expect(try found.first.floats() == expected["\(name):exp_avg"]?.floats())
      #expect(try found.second.floats() == expected["\(name):exp_avg_sq"]?.floats())
      #expect(found.step == Int(checkpoint.suffix(1)))
      #expect(found.first.bytes.offset(in: file) != nil)
    }
    let rate = checkpoint.hasSuffix("4") ? 0.005714285714285714 : 0
    #expect(
      state.groups == [
        .init(
          learningRate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, amsgrad: false,
          parameterCount: 8)
      ])
  }

  /// Twelve layers, so that the order by number and the order by letter differ; all shapes equal.
  private let twelve = (0..<12).flatMap { layer in
    ["q_proj.lora_A", "q_proj.lora_B", "v_proj.lora_A", "v_proj.lora_B"].map {
      "base_model.model.model.layers.\(layer).self_attn.\($0).weight"
    }
  }

  private func order(
    _ names: [String], shapes: [[Int]]? = nil, fileShapes: [[Int]]? = nil
  ) throws -> [Float] {
    let shapes = shapes ?? names.map { _ in [2, 2] }
    let state = try OptimizerState(Bytes(adamFile(shapes: fileShapes ?? shapes).bytes()))
    // The parameters come as safetensors has them: by letter.
    let parameters = zip(names, shapes).sorted { $0.0 < $1.0 }
    let moments = try state.moments(for: parameters.map { ($0.0, $0.1) })
    return try names.map { try moments[$0]?.first.floats().first ?? -1 }
  }

  private func places(_ names: [String]) -> [Float] { names.indices.map { Float($0) } }

  /// One parameter a module is enough to see the order of modules.
  private func modules(_ parent: String, _ children: String) -> [String] {
    children.split(separator: " ").map { "base_model.model.\(parent).\($0).lora_A.weight" }
  }

  @Test func layersComeByNumber() throws {
    #expect(try order(twelve) == places(twelve))
  }

  @Test(arguments: [
    ("model.layers.3.self_attn", "q_proj k_proj v_proj o_proj"),
    ("model.layers.3.self_attn", "q_proj v_proj"),
    ("model.language_model.layers.3.self_attn", "q_proj v_proj"),
    ("model.layers.3.self_attn", "o_proj qkv_proj"),
    ("model.layers.3.mlp", "gate_proj up_proj down_proj"),
    ("model.layers.3.mlp", "gate_up_proj down_proj"),
    ("model.layers.3", "self_attn.q_proj self_attn.o_proj mlp.gate_proj mlp.down_proj"),
    ("model.decoder.layers.3.self_attn", "k_proj v_proj q_proj out_proj"),
    ("model.decoder.layers.3.self_attn", "v_proj q_proj"),
    ("model.decoder.layers.3", "self_attn.k_proj self_attn.q_proj fc1 fc2"),
    ("transformer.h.0", "attn.c_attn attn.c_proj mlp.c_fc mlp.c_proj"),
    ("transformer.h.0.attn", "k_proj v_proj q_proj"),
    ("transformer.h.0", "self_attention.query_key_value self_attention.dense mlp.dense_h_to_4h mlp.dense_4h_to_h"),
    (
      "bert.encoder.layer.1",
      "attention.self.query attention.self.key attention.self.value attention.output.dense intermediate.dense output.dense"
    ),
    ("model.layers.3.self_attn", "q_a_proj q_b_proj kv_a_proj_with_mqa kv_b_proj o_proj"),
    ("model.layers.0.mlp.experts", "0.up_proj 2.up_proj 10.up_proj"),
  ]) func knownFamiliesComeAsTheyRegister(_ parent: String, _ children: String) throws {
    let names = modules(parent, children)
    #expect(try order(names) == places(names))
  }

  @Test func shapesDecideWhereNamesDoNot() throws {
    // Nobody knows these, but each has its own shape.
    var names = modules("model.layers.0.mixer", "zeta alpha mu")
    let shapes = [[2, 3], [2, 5], [2, 7]]
    #expect(try order(names, shapes: shapes) == places(names))
    // w1 w2 w3 and w1 w3 w2 are both known.
    names = modules("model.layers.0.feed_forward", "w1 w3 w2")
    #expect(try order(names, shapes: [[2, 4], [2, 4], [2, 9]]) == places(names))
    names = modules("model.layers.0.block_sparse_moe.experts.0", "w1 w2 w3")
    #expect(try order(names, shapes: [[2, 4], [2, 9], [2, 4]]) == places(names))
  }

  @Test func refusesWhatNobodyCanTell() throws {
    let names = modules("model.layers.0.mixer", "alpha zeta")
    let refusal = try #require(failure { _ = try order(names) })
    #expect(
      refusal.message == "records no parameter names, and its shapes do not tell which of 'alpha', 'zeta' in "
        + "'base_model.model.model.layers.0.mixer' comes first")
    #expect(refusal.advice?.contains("records param_names") == true)
    // With an encoder beside it, a decoder may be one of several families.
    let both = modules("model.decoder.layers.0.self_attn", "q_proj v_proj") + modules("model.encoder.layers.0.fc1", "x")
    #expect(failure { _ = try order(both) }?.message.contains("'q_proj', 'v_proj'") == true)
  }

  @Test func refusesOtherShapesAndCounts() throws {
    let names = modules("model.layers.0.self_attn", "q_proj v_proj")
    var refusal = try #require(
      failure { _ = try order(names, shapes: [[2, 3], [2, 5]], fileShapes: [[2, 3], [2, 4]]) })
    #expect(refusal.message == "has shape [2, 5], but at its position the optimizer state has [2, 4]")
    #expect(refusal.tensor == names[1])
    refusal = try #require(failure { _ = try order(names, fileShapes: [[2, 2], [2, 2], [2, 2]]) })
    #expect(refusal.message == "holds 3 parameters, but the adapter has 2")
  }

  @Test(.timeLimit(.minutes(1))) func entangledNamesTakeNoForever() {
    // Each level holds an unknown leaf and the next level, which would be tried twice at each.
    var names: [String] = []
    var parent = "m"
    for _ in 0..<60 {
      names.append("\(parent).zz")
      parent += ".a"
    }
    #expect(failure { _ = try order(names, shapes: names.indices.map { [2, 2 + $0 % 2] }) } != nil)
    let deep = String(repeating: "a.", count: 10_000) + "b"
    #expect(failure { _ = try order([deep]) }?.message == "has a name of too many parts")
  }

  @Test func recordedNamesGoBeforeAnyOrder() throws {
    let names = modules("model.layers.0.mixer", "zeta alpha")
    let recorded = names.map { "module." + $0.replacing("lora_A.weight", with: "lora_A.default.weight") }
    for keyed in [false, true] {
      let file = adamFile(shapes: [[2, 2], [2, 2]], names: recorded, keyedByName: keyed)
      let state = try OptimizerState(Bytes(file.bytes()))
      let moments = try state.moments(for: names.map { ($0, [2, 2]) })
      #expect(try names.map { try moments[$0]?.second.floats()[0] } == [1000, 1001])
      let refusal = try #require(
        failure { _ = try state.moments(for: [("base_model.model.x.lora_A.weight", [2, 2])]) })
      #expect(refusal.message == "is not among the 2 parameters that the optimizer state names")
    }
    let flat = try OptimizerState(Bytes(adamFile(shapes: [[4], [4]], names: recorded, keyedByName: true).bytes()))
    let refusal = try #require(failure { _ = try flat.moments(for: names.map { ($0, [2, 2]) }) })
    #expect(refusal.advice?.contains("flattened by FSDP") == true)
    #expect(refusal.tensor == names[0])
  }

  @Test func recordedNamesMayCarryWhatWrappersLeft() throws {
    let names = modules("model.layers.0.self_attn", "q_proj v_proj")
    for prefix in [
      "base_model.model.module.", "base_model.model.base_model.model.", "_orig_mod.student.base_model.model.",
    ] {
      let recorded = names.map { $0.replacing("base_model.model.", with: prefix).replacing("weight", with: "a.weight") }
      let state = try OptimizerState(Bytes(adamFile(shapes: [[2, 2], [2, 2]], names: recorded).bytes()))
      let moments = try state.moments(for: names.map { ($0, [2, 2]) })
      #expect(try names.map { try moments[$0]?.second.floats()[0] } == [1000, 1001])
    }
    let twice = [names[0], names[0].replacing("base_model.model.", with: "base_model.model.module.")]
    let state = try OptimizerState(Bytes(adamFile(shapes: [[2, 2], [2, 2]], names: twice).bytes()))
    let refusal = try #require(failure { _ = try state.moments(for: [(names[0], [2, 2])]) })
    #expect(refusal.message == "is the same parameter as '\(twice[0])' in the optimizer state")
    #expect(refusal.tensor == twice[1])
  }

  @Test func groupsAndGaps() throws {
    let names = modules("model.layers.0.self_attn", "q_proj k_proj v_proj")
    let parameters = names.map { ($0, [2, 2]) }
    func moments(_ file: ZipWriter) throws -> [String: OptimizerState.Moments] {
      try OptimizerState(Bytes(file.bytes())).moments(for: parameters)
    }
    let shapes = parameters.map(\.1)
    #expect(try moments(adamFile(shapes: shapes, groupSizes: [3, 0])).count == 3)
    #expect(try moments(adamFile(shapes: shapes, groupSizes: [3])).count == 3)
    #expect(
      failure { _ = try moments(adamFile(shapes: shapes, groupSizes: [2, 1])) }?.message
        == "spreads the parameters over 2 groups without names, so they cannot be told apart")
    let grouped = try moments(adamFile(shapes: shapes, names: names, groupSizes: [2, 1]))
    #expect(names.map { grouped[$0]?.group.parameterCount } == [2, 2, 1])
    let gap = try #require(failure { _ = try moments(adamFile(shapes: shapes, without: [1])) })
    #expect(gap.tensor == names[1])
    #expect(gap.message == "has no moments in the optimizer state: it never had a gradient")
  }

  @Test func damagedMomentsAreNoticed() throws {
    let names = modules("model.layers.0.self_attn", "q_proj")
    var file = adamFile(shapes: [[2, 2]])
    file.records[3].checksum = 5
    let state = try OptimizerState(Bytes(file.bytes()))
    #expect(
      failure { _ = try state.moments(for: [(names[0], [2, 2])]) }?.message
        == "its record 'data/1' is damaged: the checksum does not match")
  }

  @Test(arguments: [
    (["state1", "state2", "absmax1", "step"], "bitsandbytes"),
    (["__bnb_optimizer_quant_state__"], "bitsandbytes"),
    (["step", "exp_avg_sq_row", "exp_avg_sq_col", "RMS"], "Adafactor"),
    (["momentum_buffer"], "SGD"),
    (["exp_avg"], "Lion"),
    (["step", "sum"], "Adagrad"),
    (["step", "square_avg", "momentum_buffer"], "RMSprop"),
    (["step", "something"], "an optimizer that does not keep"),
  ]) func namesOtherOptimizers(_ keys: [String], _ name: String) {
    let state = Python.dict([(0, .dict(keys.map { (.text($0), 0) }))])
    let groups = Python.list([adamGroup([("params", .list([0]))])])
    let file = torchFile(Python.dict([("state", state), ("param_groups", groups)]).pickle)
    #expect(
      failure { _ = try OptimizerState(Bytes(file.bytes())) }?.message.hasPrefix("was written by \(name)") == true)
  }

  @Test func refusesWhatIsNoState() {
    func message(_ python: Python, _ storages: [[Float]] = []) -> String? {
      failure { _ = try OptimizerState(Bytes(torchFile(python.pickle, storages: storages).bytes())) }?.message
    }
    func file(state: [(Python, Python)], group: Python) -> Python {
      .dict([("state", .dict(state)), ("param_groups", .list([group]))])
    }
    let group = adamGroup([("params", .list([0]))])
    let tensor = Python.tensor("0", elements: 1, shape: [], strides: [])
    let good: [(Python, Python)] = [
      (0, .dict([(.text("step"), 3), (.text("exp_avg"), tensor), (.text("exp_avg_sq"), tensor)]))
    ]
    #expect(message(file(state: good, group: group), [[0]]) == nil)
    #expect(message(.dict([])) == "holds no optimizer state: it has no 'state' and 'param_groups'")
    #expect(message(.list([])) == "the file is a list instead of a dict")
    #expect(
      message(file(state: [], group: group))
        == "holds no moments: the optimizer had not taken a step, or does not keep any")
    let sgd = Python.dict([("lr", 0.1), ("momentum", 0), ("dampening", 0), ("params", .list([0]))])
    #expect(message(file(state: [], group: sgd)) == "was written by SGD, which keeps no squares of gradients")
    #expect(message(file(state: good + good, group: group), [[0]]) == "holds the state of parameter 0 twice")
    #expect(
      message(file(state: [(1, good[0].1)], group: group), [[0]])
        == "holds the state of a parameter that no group lists")
    #expect(
      message(file(state: good, group: adamGroup([("params", .list([0, 0]))])), [[0]])
        == "lists parameter 0 twice in its groups")
    #expect(
      message(file(state: good, group: adamGroup([("params", .list([0])), ("lr", 0.1)])), [[0]])
        == "a parameter group has a duplicate member")
    let nan = good.map { ($0.0, Python.dict([("step", tensor), ("exp_avg", tensor), ("exp_avg_sq", tensor)])) }
    #expect(message(file(state: nan, group: group), [[.nan]]) == "'step' of parameter 0 is nan")
    #expect(
      message(file(state: nan, group: group), [[1.5]]) == "'step' of parameter 0 is 1.5, which is not a number of steps"
    )
  }

  @Test func namesLoseWhatOnlyTrainingKnew() {
    let saved = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    for name in [
      saved, "base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
      "module._orig_mod.base_model.model.model.layers.0.self_attn.q_proj.lora_A.mine.weight",
      "_fsdp_wrapped_module.base_model.model.model.layers.0._fsdp_wrapped_module.self_attn.q_proj.lora_A.default.weight",
    ] {
      #expect(tensorName(of: ParameterName(name).text) == saved)
    }
    #expect(ParameterName("model.lm_head.modules_to_save.default.weight").text == "model.lm_head.weight")
    #expect(ParameterName("x.lora_embedding_A.default").text == "x.lora_embedding_A")
    #expect(ParameterName("x.lora_magnitude_vector.default.weight").text == "x.lora_magnitude_vector")
  }
}
