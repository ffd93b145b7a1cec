import Adapters
import Diagnostics
import Foundation
import JSON
import LowRank
import Tensors
import TestSupport
import Testing

@testable import Merging
@testable import Runs
@testable import clues

/// What PEFT cannot hold is refused before any work; what it holds is written so that PEFT and others read it.
@Suite struct PEFTLimitsTests {
  /// Writes a client as a PEFT folder, with numbers that depend on its name and the tensor's.
  private func write(_ client: Client, to folder: URL) throws -> String {
    let path = folder.appending(path: client.name)
    try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
    var fields: JSONObject = [
      "peft_type": "LORA", "r": JSONValue(client.rank), "lora_alpha": 4, "target_modules": ["proj"],
      "base_model_name_or_path": "base",
    ]
    for (key, value) in client.config.members { fields[key] = value }
    try JSONValue.object(fields).text().write(
      to: path.appending(path: "adapter_config.json"), atomically: true, encoding: .utf8)
    let tensors = client.shapes.map { name, shape in
      let stream = RandomStream(seed: 3, client.name + name)
      let values = (0..<shape.reduce(1, *)).map { Float(Double(stream.block(UInt64($0)).0 >> 40) / 0x1p24 - 0.5) }
      return ("base_model.model." + name, Tensor(values, shape: shape))
    }
    try Data(safetensors(Dictionary(uniqueKeysWithValues: tensors))).write(
      to: path.appending(path: "adapter_model.safetensors"))
    return path.path
  }

  private struct Client {
    let name: String
    var rank = 2
    var config: JSONObject = [:]
    let shapes: [String: [Int]]
  }

  private func factors(_ modules: String..., rank: Int = 2) -> [String: [Int]] {
    Dictionary(
      uniqueKeysWithValues: modules.flatMap {
        [("\($0).lora_A.weight", [rank, 12]), ("\($0).lora_B.weight", [10, rank])]
      })
  }

  private func merge(_ clients: [Client], _ settings: [(path: String, value: String)] = []) throws -> (
    adapter: Adapter, record: RunOutcome, bytes: Data
  ) {
    try withTemporaryFolder { folder in
      let paths = try clients.map { try write($0, to: folder) }
      return try TestMerge(inputs: paths, settings: [("merge.method", "average")] + settings).result()
    }
  }

  @Test func `biases of lora_B beside an adapted embedding are refused by both clients`() throws {
    let biased = Client(
      name: "a", config: ["lora_bias": true],
      shapes: factors("proj").merging(["proj.lora_B.bias": [10]], uniquingKeysWith: { $1 }))
    let embedding = Client(
      name: "b",
      shapes: factors("proj").merging(
        ["embed.lora_embedding_A": [2, 20], "embed.lora_embedding_B": [10, 2]], uniquingKeysWith: { $1 }))
    for clients in [[biased, embedding], [embedding, biased]] {
      let failure = #expect(throws: Failure.self) { try merge(clients) }
      #expect(failure?.kind == .badData)
      #expect(
        failure?.message
          == "client 'a' has biases in lora_B (lora_bias), and client 'b' adapts the embedding 'embed': PEFT does not "
          + "support both in one adapter")
      #expect(failure?.tensor == "embed" && failure?.client == "b")
    }
    #expect(try merge([embedding]).adapter.modules.count == 2)
  }

  @Test(arguments: [
    // The layer itself, one below what is replaced whole, and one that the entry also means.
    ("proj.weight", ["proj"], "proj"), ("block.scale", ["block"], "block.proj"), ("head.weight", ["head"], "x.head"),
  ])
  func `a layer in two roles is refused by both clients`(_ tensor: String, _ saved: [String], _ module: String) throws {
    let clients = [
      Client(
        name: "a", config: ["modules_to_save": JSONValue(saved)],
        shapes: factors("other.proj").merging([tensor: [10, 12]], uniquingKeysWith: { $1 })),
      Client(name: "b", shapes: factors("other.proj", module)),
    ]
    for policy in ["average", "{take: a}"] {
      let failure = #expect(throws: Failure.self) { try merge(clients, [("merge.absolute", policy)]) }
      #expect(failure?.kind == .badData)
      #expect(
        failure?.message
          == "client 'a' replaces '\(tensor)' whole, and client 'b' adapts '\(module)' with LoRA: PEFT does not "
          + "support both in one adapter")
      #expect(failure?.advice?.contains("--absolute") == true)
    }
    let result = try merge(clients, [("merge.absolute", "drop")]).adapter
    #expect(result.absolutes.isEmpty && result.modules[module] != nil)
  }

  private var mixed: [Client] {
    [
      Client(name: "a", rank: 4, shapes: factors("l.0.proj", "l.1.proj", rank: 4)),
      Client(name: "b", rank: 3, shapes: factors("l.0.proj", rank: 3)),
    ]
  }

  private func bits(_ adapter: Adapter) throws -> [String: [UInt64]] {
    try deltasOf(adapter).mapValues { $0.map(\.bitPattern) }
  }

  @Test(arguments: ["stack", "delta"]) func `layouts of ranks change no update`(_ space: String) throws {
    let settings = [(path: "merge.space", value: space), ("merge.rank", "full")]
    let exact = try merge(mixed, settings + [("output.rank_layout", "exact")])
    let uniform = try merge(mixed, settings + [("output.rank_layout", "uniform")])
    #expect(exact.adapter.modules.mapValues(\.rank) == ["l.0.proj": 7, "l.1.proj": 4])
    #expect(uniform.adapter.modules.mapValues(\.rank) == ["l.0.proj": 7, "l.1.proj": 7])
    #expect(try bits(exact.adapter) == bits(uniform.adapter))
    #expect(uniform.adapter.config.raw["rank_pattern"] == [:] && uniform.adapter.config.rank == 7)
    #expect(exact.record.notes.contains { $0.text.contains("llama.cpp") && $0.text.contains("vLLM") })
    #expect(exact.record.notes.contains { $0.text.contains("--rank-layout uniform") && $0.severity == .warning })
    #expect(!uniform.record.notes.contains { $0.text.contains("llama.cpp") })
    let layouts = [exact, uniform].map { $0.record.json.objectValue?["merge"]?.objectValue?["rank_layout"] ?? .null }
    #expect(
      layouts[0] == [
        "style": "exact", "rank": 4, "smallest": 4, "largest": 7, "cost_of_uniform": .number(14.0 / 11 - 1),
      ])
    #expect(layouts[1].objectValue?["style"] == "uniform" && layouts[1].objectValue?["smallest"] == 7)
    #expect(uniform.record.summary().contains("rank 4 to 7 (7 with zeros)"))
    #expect(exact.record.summary().contains("rank 4 to 7,"))
    // Without a wish it is exact here, for 27 % are too much.
    #expect(try merge(mixed, settings).bytes == exact.bytes)
  }

  /// Written in its place while others are merged, or all at once, it is the same file.
  @Test func `one rank is the default where it costs little`() throws {
    let names = (0..<12).map { "l.\($0).proj" }
    let all = names.map { factors($0, rank: 4) }.reduce([:]) { $0.merging($1, uniquingKeysWith: { $1 }) }
    let most = names.dropLast().map { factors($0, rank: 1) }.reduce([:]) { $0.merging($1, uniquingKeysWith: { $1 }) }
    let clients = [Client(name: "a", rank: 4, shapes: all), Client(name: "b", rank: 1, shapes: most)]
    let result = try merge(clients)
    #expect(Set(result.adapter.modules.values.map(\.rank)) == [5])
    #expect(try bits(result.adapter) == bits(merge(clients, [("output.rank_layout", "exact")]).adapter))
    let file = try SafetensorsFile(Bytes(Array(result.bytes)))
    #expect(result.bytes == Data(safetensors(file.tensors, metadata: file.metadata)))
    // Where ranks follow the energy nobody knows them beforehand.
    let late = try merge(clients, [("merge.energy", "1"), ("output.rank_layout", "uniform")])
    #expect(Set(late.adapter.modules.values.map(\.rank)).count == 1)
    #expect(try relativeError(deltasOf(late.adapter), deltasOf(result.adapter)) < 1e-5)
  }

  @Test func `tensors that others refuse are warned of`() throws {
    let client = Client(
      name: "a", config: ["modules_to_save": ["lm_head"]],
      shapes: factors("proj").merging(["lm_head.weight": [7, 5]], uniquingKeysWith: { $1 }))
    let notes = try merge([client]).record.notes
    #expect(notes.contains { $0.severity == .warning && $0.text.contains("vLLM rejects modules_to_save") })
    #expect(try !merge([client], [("merge.absolute", "drop")]).record.notes.contains { $0.text.contains("vLLM") })
  }

  @Test func `the head of a task is missed`() throws {
    let client = Client(
      name: "a", config: ["task_type": "SEQ_CLS", "modules_to_save": ["classifier", "score"]],
      shapes: factors("proj").merging(["score.weight": [3, 12]], uniquingKeysWith: { $1 }))
    #expect(try merge([client]).adapter.config.taskType == "SEQ_CLS")
    let dropped = try merge([client], [("merge.absolute", "drop")])
    #expect(dropped.adapter.config.taskType == nil)
    #expect(dropped.record.notes.contains { $0.text.contains("no task_type") && $0.text.contains("SEQ_CLS") })
  }

  /// The bytes of a file that PEFT would read otherwise are not called a result.
  @Test func `the final check is PEFT's`() throws {
    let module = MergedAdapter.Module(
      name: "proj", kind: .linear, a: Tensor([1, 2], shape: [1, 2]), b: Tensor([3, 4], shape: [2, 1]),
      bias: Tensor([5, 6], shape: [2]))
    func merged(_ modules: [MergedAdapter.Module]) throws -> MergedAdapter {
      MergedAdapter(modules: modules, inputs: [], baseModel: nil)
    }
    func verify(_ meant: MergedAdapter, config: String, tensors: [String: Tensor]) throws {
      let files = [PEFTFile.config: Bytes(Array(config.utf8)), PEFTFile.weights: Bytes(safetensors(tensors))]
      try PEFTFormat().verify(meant, threads: 1, reading: { try #require(files[$0]) }, comparing: same)
    }
    let meant = try merged([module])
    try verify(meant, config: meant.configText, tensors: meant.tensors)
    // A bias that is another, and one that is not there.
    var tensors = meant.tensors
    tensors["base_model.model.proj.lora_B.bias"] = Tensor([5, 7], shape: [2])
    let other = #expect(throws: Failure.self) {
      try verify(meant, config: meant.configText, tensors: tensors)
    }
    #expect(other?.kind == .cannotWrite && other?.message.contains("the bias of the module 'proj' differs") == true)
    tensors["base_model.model.proj.lora_B.bias"] = nil
    let missing = #expect(throws: Failure.self) {
      try verify(meant, config: meant.configText, tensors: tensors)
    }
    #expect(missing?.message.contains("it has other tensors") == true)
    // A config under which PEFT leaves the module out, though we would read it.
    var config = meant.config
    config["target_modules"] = ["q"]
    let text = JSONValue.object(config).text()
    let unread = #expect(throws: Failure.self) { try verify(meant, config: text, tensors: meant.tensors) }
    #expect(unread?.kind == .badData)
    #expect(unread?.message == "PEFT would not read the result correctly: it does not adapt the module 'proj'")
  }
}
