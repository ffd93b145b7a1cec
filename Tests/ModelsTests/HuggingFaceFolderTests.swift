import Diagnostics
import Foundation
import JSON
import Models
import Tensors
import TestSupport
import Testing

@Suite struct HuggingFaceFolderTests {
  @Test(arguments: savedModels) func holdsWhatTransformersSaved(_ name: String) throws {
    let model = try LanguageModel(at: fixture("models/\(name)"))
    let found = try parts(of: model)
    var saved = try savedTensors(name).mapValues { try $0.floats() }
    if saved["lm_head.weight"] == nil { saved["lm_head.weight"] = saved["model.embed_tokens.weight"] }
    #expect(Set(found.keys) == Set(saved.keys))
    for (key, values) in saved { #expect(bits(found[key] ?? []) == bits(values), "\(key)") }
  }

  @Test(arguments: savedModels) func hasTheShapeOfItsConfig(_ name: String) throws {
    let config = try #require(try json("models/\(name)/config.json").objectValue)
    let shape = try LanguageModel(at: fixture("models/\(name)")).shape
    #expect(shape.family == config["model_type"]?.stringValue)
    #expect(shape.vocabulary == 61)
    #expect(shape.width == 32)
    #expect(shape.feedForwardWidth == 40)
    #expect(shape.layerCount == 2)
    #expect(shape.headCount == 4)
    #expect(shape.keyValueHeadCount == config["num_key_value_heads"]?.intValue)
    #expect(shape.headWidth == config["head_dim"]?.intValue ?? 8)
    #expect(shape.maximumLength == 64)
    #expect(shape.normEpsilon == 1e-5)
    #expect(shape.normsHeads == name.hasPrefix("qwen3"))
    let windows: [String: [Int?]] = ["mistral": [5, 5], "qwen2-window": [nil, 4], "qwen3-window": [6, nil]]
    #expect(shape.windows == windows[name] ?? [nil, nil])
    #expect(shape.rotation.frequencies.count == shape.headWidth / 2)
    #expect((shape.rotation.scale == 1) == !["llama-yarn", "qwen2-window", "qwen3-window"].contains(name))
  }

  @Test func namesLinearLayersAsPEFTDoes() throws {
    let layers = try LanguageModel(at: fixture("models/llama-bare")).layers
    #expect(layers[1].down.name == "model.layers.1.mlp.down_proj")
    #expect(layers[0].query.name == "model.layers.0.self_attn.q_proj")
  }

  @Test func refusesTensorsByName() throws {
    let whole = try ModelFolder("qwen2")
    for name in whole.tensors.keys.sorted() {
      var folder = whole
      folder.tensors[name] = nil
      let missing = try failure { try folder.opened() }
      #expect(missing.tensor == name && missing.message == "is missing from the model", "\(missing)")
      folder.tensors[name] = Tensor([1, 2], shape: [1, 2])
      let short = try failure { try folder.opened() }
      #expect(short.tensor == name && short.message.hasPrefix("has the shape [1, 2], where"), "\(short)")
      #expect(short.file?.hasSuffix("/model.safetensors") == true)
      folder = whole
      folder.tensors[name + "_scale"] = Tensor([1], shape: [1])
      let surplus = try failure { try folder.opened() }
      #expect(surplus.tensor == name + "_scale" && surplus.message == "is no part of such a model", "\(surplus)")
    }
  }

  /// The reference pads headers, but nothing makes others do so.
  @Test(arguments: 1...7) func readsFloatsThatAreNotAligned(_ blanks: Int) throws {
    var folder = try ModelFolder("llama2")
    var file = safetensors(folder.tensors)
    let length = try SafetensorsHeader.length(file.prefix(8), fileSize: file.count)
    file.insert(contentsOf: repeatElement(UInt8(ascii: " "), count: blanks), at: 8 + length)
    file.replaceSubrange(0..<8, with: withUnsafeBytes(of: UInt64(length + blanks).littleEndian) { Array($0) })
    folder.files["model.safetensors"] = file
    let model = try folder.opened()
    #expect(model.head.needsScratch == (blanks % 4 != 0))
    #expect(try bits(floats(model.head)) == bits(#require(folder.tensors["lm_head.weight"]).floats()))
  }

  @Test func dropsFrequenciesThatOldVersionsSaved() throws {
    var folder = try ModelFolder("llama2")
    folder.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = Tensor([1, 2, 3, 4], shape: [4])
    folder.tensors["model.rotary_emb.inv_freq"] = Tensor([1, 2, 3, 4], shape: [4])
    #expect(try folder.opened().layers.count == 2)
  }

  @Test func refusesWhatIsNotFinite() throws {
    for name in ["model.norm.weight", "model.layers.1.self_attn.k_proj.bias"] {
      var folder = try ModelFolder("qwen2")
      let tensor = try #require(folder.tensors[name])
      var values = try tensor.floats()
      values[3] = .nan
      folder.tensors[name] = Tensor(values, shape: tensor.shape)
      let refusal = try failure { try folder.opened() }
      #expect(refusal.tensor == name && refusal.message == "holds values that are not finite", "\(refusal)")
    }
  }

  @Test(arguments: [DType.f32, .bf16, .f16]) func findsTheMatrixThatIsNotFinite(_ dtype: DType) throws {
    for name in ["model.embed_tokens.weight", "model.layers.1.mlp.up_proj.weight", "lm_head.weight"] {
      var folder = try ModelFolder("llama2")
      let tensor = try #require(folder.tensors[name])
      var values = try tensor.floats()
      values[values.count - 1] = .infinity
      folder.tensors[name] = Tensor(values, shape: tensor.shape, dtype: dtype)
      try withTemporaryFolder { place in
        try Data(safetensors(folder.tensors)).write(to: place.appending(path: "model.safetensors"))
        try Data(JSONValue.object(folder.config).text().utf8).write(to: place.appending(path: "config.json"))
        let model = try LanguageModel(at: place.path)
        let refusal = try failure { try model.checkThatMatricesAreFinite() }
        #expect(refusal.tensor == name && refusal.message == "holds weights that are not finite", "\(refusal)")
      }
    }
    try LanguageModel(at: fixture("models/llama-linear")).checkThatMatricesAreFinite()
  }

  @Test(arguments: [DType.f64, .f8e4m3, .i8, .i64]) func refusesOtherTypes(_ dtype: DType) throws {
    var folder = try ModelFolder("llama2")
    let bytes = Bytes([UInt8](repeating: 0, count: 32 * dtype.size))
    folder.tensors["model.norm.weight"] = Tensor(dtype: dtype, shape: [32], bytes: bytes)
    let refusal = try failure { try folder.opened() }
    #expect(refusal.tensor == "model.norm.weight" && refusal.message.contains(dtype.torchName), "\(refusal)")
  }

  @Test func takesAHeadThatIsStoredTwiceOnlyIfItIsTheSame() throws {
    var folder = try ModelFolder("qwen2")
    let embeddings = try #require(folder.tensors["model.embed_tokens.weight"])
    folder.tensors["lm_head.weight"] = embeddings
    #expect(try bits(floats(folder.opened().head)) == bits(embeddings.floats()))
    var values = try embeddings.floats()
    values[60] += 1
    folder.tensors["lm_head.weight"] = Tensor(values, shape: embeddings.shape)
    expectFailure(.badData, "differs from the embeddings") { try folder.opened() }
  }

  @Test func refusesHostileIndexes() throws {
    let hostile = [
      "../model.safetensors", "/etc/passwd.safetensors", "a/b.safetensors", "..", "", "x\0.safetensors", "model.bin",
    ]
    for file in hostile {
      var folder = try ModelFolder("llama2")
      let map = JSONObject(folder.tensors.keys.sorted().map { ($0, .string(file)) })
      folder.files["model.safetensors.index.json"] = Array(JSONValue.object(["weight_map": .object(map)]).text().utf8)
      expectFailure(.badData, "where the plain name of a safetensors file is expected") { try folder.opened() }
    }
    for text in ["[]", "{}", #"{"weight_map": []}"#, #"{"weight_map": {}}"#, #"{"weight_map": {"a": 1}}"#, "{"] {
      var folder = try ModelFolder("llama2")
      folder.files["model.safetensors.index.json"] = Array(text.utf8)
      #expect(try failure { try folder.opened() }.kind == .badData)
    }
  }

  @Test func refusesIndexesThatDoNotFitTheirFiles() throws {
    var folder = try ModelFolder("llama2")
    var map = JSONObject(folder.tensors.keys.sorted().map { ($0, "m.safetensors") })
    func index() -> [UInt8] { Array(JSONValue.object(["weight_map": .object(map)]).text().utf8) }
    folder.files = ["model.safetensors.index.json": index(), "m.safetensors": safetensors(folder.tensors)]
    #expect(try folder.opened().layers.count == 2)
    map["model.norm.more"] = "m.safetensors"
    folder.files["model.safetensors.index.json"] = index()
    expectFailure(.badData, "does not lie in m.safetensors") { try folder.opened() }
    map["model.norm.more"] = nil
    map["model.norm.weight"] = nil
    folder.files["model.safetensors.index.json"] = index()
    expectFailure(.badData, "lies in m.safetensors, where") { try folder.opened() }
    map["model.norm.weight"] = "n.safetensors"
    folder.files["model.safetensors.index.json"] = index()
    #expect(try failure { try folder.opened() }.kind == .badData)
  }

  @Test func saysWhatAFolderLacks() throws {
    try withTemporaryFolder { folder in
      func write(_ name: String, _ text: String = "{}") throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
      }
      var refusal = try failure { try LanguageModel(at: folder.path + "/none") }
      #expect(refusal.kind == .missingInput && refusal.message.hasPrefix("cannot be opened"), "\(refusal)")
      refusal = try failure { try LanguageModel(at: folder.path) }
      #expect(refusal.kind == .missingInput && refusal.message == "holds no config.json", "\(refusal)")
      try write("adapter_config.json")
      refusal = try failure { try LanguageModel(at: folder.path) }
      #expect(refusal.advice?.hasPrefix("this is an adapter") == true, "\(refusal)")
      refusal = try failure { try LanguageModel(at: folder.appending(path: "adapter_config.json").path) }
      #expect(refusal.message == "is no GGUF file", "\(refusal)")
      try write("config.json", String(contentsOfFile: fixture("models/llama2/config.json"), encoding: .utf8))
      refusal = try failure { try LanguageModel(at: folder.path) }
      #expect(refusal.kind == .missingInput && refusal.message == "holds no model.safetensors", "\(refusal)")
      try write("pytorch_model.bin")
      refusal = try failure { try LanguageModel(at: folder.path) }
      #expect(refusal.message.contains("only pytorch_model.bin"), "\(refusal)")
      try write("model.safetensors")
      try write("model.safetensors.index.json")
      refusal = try failure { try LanguageModel(at: folder.path) }
      #expect(refusal.message.hasPrefix("holds model.safetensors and"), "\(refusal)")
    }
  }
}
