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

/// Clients that differ in more than their numbers: convolutions, embeddings, biases, tensors that replace the base's.
@Suite struct HeterogeneousClientTests {
  /// Writes a PEFT folder with numbers that depend on `seed` alone.
  private func write(
    _ folder: URL, seed: UInt64, config: JSONObject = JSONObject(), _ shapes: [String: [Int]]
  ) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var fields = JSONObject([
      ("peft_type", "LORA"), ("r", 4), ("lora_alpha", 8), ("target_modules", ["proj"]),
      ("base_model_name_or_path", "base"),
    ])
    for member in config.members { fields[member.key] = member.value }
    try JSONValue.object(fields).text().write(
      to: folder.appending(path: "adapter_config.json"), atomically: true, encoding: .utf8)
    var tensors: [String: Tensor] = [:]
    for (name, shape) in shapes {
      let count = shape.reduce(1, *)
      let stream = RandomStream(seed: seed, name)
      let values = (0..<count).map { Float(Double(stream.block(UInt64($0)).0 >> 40) / Double(1 << 24) - 0.5) }
      tensors["base_model.model." + name] = Tensor(values, shape: shape)
    }
    try Data(safetensors(tensors)).write(to: folder.appending(path: "adapter_model.safetensors"))
    return folder.path
  }

  private func merged(
    _ shapes: [String: [Int]], config: JSONObject = JSONObject(), settings: [(path: String, value: String)]
  ) throws -> (inputs: [Adapter], result: Adapter) {
    try withTemporaryFolder { folder in
      let paths = try (0..<2).map { client in
        try write(folder.appending(path: "c\(client)"), seed: UInt64(client), config: config, shapes)
      }
      return (try paths.map(readAdapter), try TestMerge(inputs: paths, settings: settings).result().adapter)
    }
  }

  private func mean(_ adapters: [Adapter]) throws -> [String: [Double]] {
    let all = try adapters.map(deltasOf)
    return all[0].mapValues { $0 }.merging(all[1]) { zip($0, $1).map { ($0 + $1) / 2 } }
  }

  static let average: [(path: String, value: String)] = [("merge.method", "average")]

  @Test(arguments: ["stack", "core", "delta"]) func `convolutions keep their kernel`(_ space: String) throws {
    let (inputs, result) = try merged(
      ["proj.lora_A.weight": [4, 3, 5, 5], "proj.lora_B.weight": [6, 4, 1, 1]],
      settings: Self.average + [("merge.space", space), ("merge.rank", "same")])
    let module = try #require(result.modules["proj"])
    #expect(module.kind == .convolution)
    #expect(module.a.shape == [4, 3, 5, 5])
    #expect(module.b.shape == [6, 4, 1, 1])
    // Two clients of rank 4 make rank 6 at most: the rest is what compression reports, so compare at full rank.
    let full = try merged(
      ["proj.lora_A.weight": [4, 3, 5, 5], "proj.lora_B.weight": [6, 4, 1, 1]],
      settings: Self.average + [("merge.space", space), ("merge.rank", "full")])
    #expect(full.result.modules["proj"]?.rank == 6)
    #expect(try relativeError(deltasOf(full.result), mean(inputs)) < 1e-6)
  }

  @Test func `embeddings keep their names`() throws {
    let (inputs, result) = try merged(
      ["embed.lora_embedding_A": [4, 50], "embed.lora_embedding_B": [8, 4]], settings: Self.average)
    #expect(result.modules["embed"]?.kind == .embedding)
    #expect(try relativeError(deltasOf(result), mean(inputs)) < 1e-6)
  }

  @Test(arguments: ["stack", "factors"]) func `biases are summed as the updates are`(_ space: String) throws {
    let shapes = ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4], "proj.lora_B.bias": [5]]
    let (inputs, result) = try merged(
      shapes, config: JSONObject([("lora_bias", true)]), settings: Self.average + [("merge.space", space)])
    #expect(result.config.hasBias)
    let biases = try inputs.map { try #require($0.modules["proj"]?.bias).floats() }
    let found = try #require(result.modules["proj"]?.bias).floats()
    for index in found.indices {
      // Scaling 2, weights ½.
      #expect(abs(found[index] - (biases[0][index] + biases[1][index])) < 1e-6)
    }
  }

  @Test func `a bias is refused where it has no meaning`() throws {
    let shapes = ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4], "proj.lora_B.bias": [5]]
    let failure = #expect(throws: Failure.self) {
      try merged(shapes, config: JSONObject([("lora_bias", true)]), settings: [("merge.method", "ties")])
    }
    #expect(failure?.client == "c0")
    #expect(failure?.tensor == "proj")
    #expect(failure?.message == "lora_B has a bias, which 'ties' cannot merge: a bias is not a matrix")
  }

  private static let saved = [
    "proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4], "lm_head.weight": [7, 5],
  ]
  private static let savedConfig = JSONObject([("modules_to_save", ["lm_head"])])

  @Test func `tensors that replace the base's are refused unless somebody says what to do`() throws {
    let failure = #expect(throws: Failure.self) {
      try merged(Self.saved, config: Self.savedConfig, settings: Self.average)
    }
    #expect(failure?.tensor == "lm_head.weight")
    #expect(failure?.client == "c0")
    #expect(failure?.advice?.contains("--absolute") == true)
  }

  @Test func `they are averaged, taken or dropped as wished`() throws {
    for (policy, expected) in [("average", 0.5), ("{take: c1}", 1.0)] {
      let (inputs, result) = try merged(
        Self.saved, config: Self.savedConfig, settings: Self.average + [("merge.absolute", policy)])
      let heads = try inputs.map { try #require($0.absolutes["lm_head.weight"]).floats() }
      let found = try #require(result.absolutes["lm_head.weight"]).floats()
      for index in found.indices {
        let due = Double(heads[0][index]) * (1 - expected) + Double(heads[1][index]) * expected
        #expect(abs(Double(found[index]) - due) < 1e-6)
      }
      #expect(result.config.raw["modules_to_save"] == ["lm_head"])
    }
    let dropped = try merged(
      Self.saved, config: Self.savedConfig, settings: Self.average + [("merge.absolute", "drop")]
    ).result
    #expect(dropped.absolutes.isEmpty)
    #expect(dropped.config.raw["modules_to_save"] == .null)
  }

  /// Clients with a head each, but for those in `without`.
  private func withHeads<Result>(
    _ count: Int = 2, without: Set<Int> = [], _ body: ([String], URL) throws -> Result
  ) throws -> Result {
    try withTemporaryFolder { folder in
      let paths = try (0..<count).map { client in
        let isBare = without.contains(client)
        return try write(
          folder.appending(path: "c\(client)"), seed: UInt64(client), config: isBare ? JSONObject() : Self.savedConfig,
          isBare ? Self.saved.filter { $0.key != "lm_head.weight" } : Self.saved)
      }
      return try body(paths, folder)
    }
  }

  @Test(arguments: ["average", "task-arithmetic"])
  func `replaced tensors are not averaged under a negative weight`(_ method: String) throws {
    try withHeads { paths, _ in
      func merge(_ policy: String, _ weights: [String]) throws -> Adapter {
        try TestMerge(
          inputs: paths,
          settings: [("merge.method", method), ("merge.absolute", policy)]
            + weights.enumerated().map { ("clients.\($0).weight", $1) }
        ).result().adapter
      }
      let failure = try failure { try merge("average", ["1", "-0.9"]) }
      #expect(failure.kind == .badData && failure.client == "c1" && failure.tensor == "lm_head.weight")
      #expect(failure.message.contains("cannot be averaged with the negative weight -0.9"))
      #expect(failure.advice?.contains("{take: CLIENT}") == true)
      // Both negative is no mean either, and what is dropped or taken is no mean at all.
      #expect(try TestSupport.failure { try merge("average", ["-1", "-1"]) }.client == "c0")
      #expect(try merge("drop", ["1", "-0.9"]).absolutes.isEmpty)
      #expect(try merge("{take: c1}", ["1", "-0.9"]).absolutes.count == 1)
      #expect(try merge("average", ["1", "0"]).absolutes.count == 1)
    }
  }

  @Test func `a mean of weights that are all 0 is refused before any work`() throws {
    try withHeads(3, without: [1, 2]) { paths, _ in
      let settings = [
        ("merge.absolute", "average"), ("clients.0.weight", "0"), ("clients.1.weight", "1"), ("clients.2.weight", "1"),
      ]
      let failure = try failure { try TestMerge(inputs: paths, settings: Self.average + settings).result() }
      #expect(failure.client == "c0" && failure.tensor == "lm_head.weight")
      #expect(failure.message == "cannot be averaged: all clients that have it have weight 0")
    }
  }

  @Test func `a negative weight leaves no head of its own either`() throws {
    try withHeads(1) { paths, _ in
      let failure = try failure {
        try TestMerge(inputs: paths, settings: [("merge.method", "task-arithmetic"), ("clients.0.weight", "-1")])
          .result()
      }
      #expect(failure.client == "c0" && failure.tensor == "lm_head.weight")
    }
  }

  @Test func `what is dropped or not taken is said, and where`() throws {
    try withHeads { paths, folder in
      func run(_ policy: String) throws -> (notes: [String], card: String, json: String, report: String) {
        let output = folder.appending(path: "out").path
        let bench = try Bench(catalog: builtInCatalog(), threads: 1)
        let recipe = try TestMerge(inputs: paths, settings: Self.average + [("merge.absolute", policy)]).recipe
        let record = try bench.run(recipe, output: output, replacing: true)
        func text(_ name: String) throws -> String { try String(contentsOfFile: "\(output)/\(name)", encoding: .utf8) }
        return (
          record.notes.map(\.text), try text("README.md"), try text("clues/run.json"), try text("clues/report.html")
        )
      }
      let dropped = try run("drop")
      for client in ["c0", "c1"] {
        let note = dropped.notes.first { $0.hasPrefix("\(client): dropped from the result (merge.absolute: drop)") }
        #expect(note?.hasSuffix("lm_head.weight") == true)
        #expect(dropped.card.contains("| lm\\_head.weight | not that of \(client) |"))
        #expect(dropped.report.contains("\(client): dropped from the result"))
      }
      #expect(dropped.json.contains("\"left_out\""))
      let taken = try run("{take: c1}")
      #expect(taken.notes.contains { $0.hasPrefix("c0: dropped") })
      #expect(taken.notes.contains("c1: provides the tensors that replace the base model's: lm_head.weight"))
      #expect(taken.card.contains("| lm\\_head.weight | of c1 |"))
      #expect(taken.card.contains("| lm\\_head.weight | not that of c0 |"))
      let averaged = try run("average")
      #expect(!averaged.notes.contains { $0.contains("left out") || $0.contains("taken") || $0.contains("not all") })
      #expect(averaged.card.contains("| lm\\_head.weight | of c0, c1 |"))
    }
  }

  @Test func `a head that not every client has is said`() throws {
    try withHeads(3, without: [2]) { paths, _ in
      let notes = try TestMerge(inputs: paths, settings: Self.average + [("merge.absolute", "average")]).result().record
        .notes.map(\.text)
      #expect(
        notes.contains(
          "replaced tensors are the mean of c0, c1, while c2 trained with the base model's own: lm_head.weight"))
    }
    try withHeads(2, without: [1]) { paths, _ in
      let merge = TestMerge(inputs: paths, settings: Self.average + [("merge.absolute", "average")])
      let (adapter, record, _) = try merge.result()
      #expect(
        record.notes.map(\.text).contains(
          "replaced tensors come only from c0, while c1 trained with the base model's own: lm_head.weight"))
      let own = try readAdapter(paths[0])
      #expect(try adapter.absolutes["lm_head.weight"]?.floats() == own.absolutes["lm_head.weight"]?.floats())
    }
  }

  @Test func `there must be something to take`() throws {
    try withHeads(2, without: [1]) { paths, _ in
      let failure = try failure {
        try TestMerge(inputs: paths, settings: Self.average + [("merge.absolute", "{take: c1}")]).result()
      }
      #expect(failure.kind == .badData && failure.client == "c1")
      #expect(failure.message == "has no tensors that replace the base model's, so there is nothing to take")
      #expect(failure.advice == "take those of 'c0', or drop them")
    }
  }

  @Test func `a tensor need be sound only where it is taken from`() throws {
    try withTemporaryFolder { folder in
      let paths = try (0..<2).map { client in
        try write(folder.appending(path: "c\(client)"), seed: UInt64(client), config: Self.savedConfig, Self.saved)
      }
      let file = URL(filePath: paths[0] + "/adapter_model.safetensors")
      var tensors = try SafetensorsFile(Bytes(mapping: file.path)).tensors
      tensors["base_model.model.lm_head.weight"] = Tensor([Float](repeating: .nan, count: 35), shape: [7, 5])
      try Data(safetensors(tensors)).write(to: file)
      func merge(_ policy: String) throws -> Adapter {
        try TestMerge(inputs: paths, settings: Self.average + [("merge.absolute", policy)]).result().adapter
      }
      #expect(try merge("{take: c1}").absolutes.count == 1)
      let failure = #expect(throws: Failure.self) { try merge("{take: c0}") }
      #expect(failure?.client == "c0" && failure?.tensor == "lm_head.weight")
    }
  }

  @Test func `layers of different sizes are refused by name`() throws {
    try withTemporaryFolder { folder in
      let paths = [
        try write(
          folder.appending(path: "c0"), seed: 0, ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4]]),
        try write(
          folder.appending(path: "c1"), seed: 1, ["proj.lora_A.weight": [4, 7], "proj.lora_B.weight": [5, 4]]),
      ]
      let failure = #expect(throws: Failure.self) { try TestMerge(inputs: paths, settings: Self.average).result() }
      #expect(failure?.message == "the layer's size is 5 × 7, but in client 'c0' it is 5 × 6")
      #expect(failure?.client == "c1")
      #expect(failure?.tensor == "proj")
    }
  }

  @Test func `numbers that are none are refused by client and module`() throws {
    try withTemporaryFolder { folder in
      let shapes = ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4]]
      let paths = try (0..<2).map { try write(folder.appending(path: "c\($0)"), seed: UInt64($0), shapes) }
      let file = URL(filePath: paths[1] + "/adapter_model.safetensors")
      var tensors = try SafetensorsFile(Bytes(Array(Data(contentsOf: file)))).tensors
      var values = try tensors["base_model.model.proj.lora_A.weight"]!.floats()
      values[3] = .nan
      tensors["base_model.model.proj.lora_A.weight"] = Tensor(values, shape: [4, 6])
      try Data(safetensors(tensors)).write(to: file)
      let failure = #expect(throws: Failure.self) { try TestMerge(inputs: paths, settings: Self.average).result() }
      #expect(failure?.client == "c1")
      #expect(failure?.tensor == "proj")
      #expect(failure?.message.contains("NaN or infinite") == true)
    }
  }

  /// Merges two clients after a change of the second one's tensors.
  private func merged(
    _ shapes: [String: [Int]], changing change: (Int, inout [String: Tensor]) throws -> Void,
    settings: [(path: String, value: String)] = [("merge.absolute", "average")]
  ) throws -> Adapter {
    try withTemporaryFolder { folder in
      let paths = try (0..<2).map { client in
        let path = try write(folder.appending(path: "c\(client)"), seed: UInt64(client), shapes)
        let file = URL(filePath: path + "/adapter_model.safetensors")
        var tensors = try SafetensorsFile(Bytes(Array(Data(contentsOf: file)))).tensors
        try change(client, &tensors)
        try Data(safetensors(tensors)).write(to: file)
        return path
      }
      return try TestMerge(inputs: paths, settings: Self.average + settings).result().adapter
    }
  }

  @Test(arguments: [
    ("proj.lora_B.weight", 1e40, "large"), ("proj.lora_A.weight", 1e-60, "small"), ("head.weight", 1e39, "large"),
    ("head.weight", 1e-42, "small"),
  ]) func `float64 that float32 does not hold is refused`(_ name: String, _ scale: Double, _ word: String) throws {
    let shapes = ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4], "head.weight": [3, 2]]
    func change(by scale: Double) -> (Int, inout [String: Tensor]) throws -> Void {
      { client, tensors in
        let full = "base_model.model." + name
        guard client == 1, let tensor = tensors[full] else { return }
        let values = try tensor.floats().map { Double($0) * scale }
        tensors[full] = values.withUnsafeBytes { Tensor(dtype: .f64, shape: tensor.shape, bytes: Bytes($0)) }
      }
    }
    let failure = #expect(throws: Failure.self) { try merged(shapes, changing: change(by: scale)) }
    #expect(failure?.kind == .badData && failure?.client == "c1" && failure?.tensor == name)
    #expect(
      failure?.message == "contains float64 numbers that are too \(word) for float32, in which adapters are merged")
    _ = try merged(shapes, changing: change(by: 1.5))
    // A tensor that is not averaged keeps its type.
    if name == "head.weight" {
      let taken = try merged(shapes, changing: change(by: scale), settings: [("merge.absolute", "{take: c1}")])
      #expect(taken.absolutes["head.weight"]?.dtype == .f64)
    }
  }

  @Test func `whole numbers have no mean, and stay where they are alike`() throws {
    let shapes = ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4], "norm.weight": [3]]
    func merge(_ counts: [Int64]) throws -> Adapter {
      try merged(shapes) { client, tensors in
        tensors["base_model.model.norm.num_batches_tracked"] = [counts[client]].withUnsafeBytes {
          Tensor(dtype: .i64, shape: [1], bytes: Bytes($0))
        }
      }
    }
    let count = try #require(merge([7, 7]).absolutes["norm.num_batches_tracked"])
    #expect(count.dtype == .i64)
    #expect(try count.integers() == [7])
    let failure = #expect(throws: Failure.self) { try merge([7, 8]) }
    #expect(failure?.kind == .badData && failure?.tensor == "norm.num_batches_tracked")
    #expect(failure?.message == "holds int64, which cannot be averaged, and differs between clients")
    #expect(failure?.advice?.contains("{take: CLIENT}") == true)
  }

  @Test func `what float16 cannot hold is refused`() throws {
    let shapes = ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4]]
    let failure = #expect(throws: Failure.self) {
      try merged(
        shapes,
        settings: Self.average + [
          ("merge.parameters.normalize", "false"), ("clients.0.weight", "1e14"), ("clients.1.weight", "1"),
          ("output.dtype", "float16"),
        ])
    }
    #expect(failure?.message == "the merged module has numbers too large for float16")
  }

  @Test(arguments: ["average", "ties"]) func `a residual gives back what was left out`(_ method: String) throws {
    let inputs = ["a", "b", "c"].map { fixture("peft/adapters/\($0)") }
    let settings = [(path: "merge.method", value: method), ("merge.space", "core")]
    let whole = try TestMerge(inputs: inputs, settings: settings + [("merge.rank", "full")]).deltas()
    try withTemporaryFolder { folder in
      let output = folder.appending(path: "run").path
      let recipe = try TestMerge(
        inputs: inputs, settings: settings + [("merge.rank", "5"), ("merge.residual", "true")]
      ).recipe
      _ = try Bench(catalog: builtInCatalog(), threads: 2).run(recipe, output: output, replacing: false)
      let merged = try deltasOf(readAdapter(output))
      let rest = try deltasOf(readAdapter(output + "/residual"))
      #expect(relativeError(merged, whole) > 0.1)
      #expect(relativeError(merged.merging(rest) { zip($0, $1).map(+) }, whole) < 1e-6)
    }
  }

  @Test func `every module says how alike the clients are`() throws {
    let inputs = ["a", "b", "wide"].map { fixture("peft/adapters/\($0)") }
    let record = try TestMerge(inputs: inputs, settings: Self.average).result().record
    let deltas = try inputs.map { try deltasOf(readAdapter($0)) }
    let modules = try #require(record.merge).modules
    #expect(!modules.isEmpty)
    for figures in modules {
      let present = deltas.compactMap { $0[figures.module] }
      #expect(figures.clients.count == present.count)
      #expect(figures.coverage == Double(present.count) / 3)
      for (i, x) in present.enumerated() {
        let norm = x.map { $0 * $0 }.reduce(0, +).squareRoot()
        #expect(abs(figures.inputNorms[i] - norm) < 1e-5 * norm)
        for (j, y) in present.enumerated() {
          let other = y.map { $0 * $0 }.reduce(0, +).squareRoot()
          let cosine = zip(x, y).map(*).reduce(0, +) / (norm * other)
          #expect(abs(try #require(figures.cosines)[i * present.count + j] - cosine) < 1e-5)
        }
      }
      let conflicts = present[0].indices.count { entry in
        present.contains { $0[entry] > 0 } && present.contains { $0[entry] < 0 }
      }
      #expect(abs(figures.signConflict - Double(conflicts) / Double(present[0].count)) < 1e-3)
    }
  }

  private static let plain = ["proj.lora_A.weight": [4, 6], "proj.lora_B.weight": [5, 4]]

  @Test func `a sketch keeps what an exact decomposition keeps`() throws {
    let shapes = ["proj.lora_A.weight": [4, 150], "proj.lora_B.weight": [120, 4]]
    let settings = [(path: "merge.method", value: "ties"), ("merge.space", "delta"), ("merge.rank", "4")]
    let sketched = try merged(shapes, settings: settings).result
    let exact = try merged(shapes, settings: settings + [("merge.exact", "true")]).result
    #expect(try relativeError(deltasOf(sketched), deltasOf(exact)) < 0.05)
    let norms = try [sketched, exact].map { try deltasOf($0)["proj"]!.map { $0 * $0 }.reduce(0, +) }
    #expect(norms[0] <= norms[1] * (1 + 1e-6) && norms[0] >= norms[1] * (1 - 1e-3))
  }

  @Test func `vocabularies of different sizes are not averaged`() throws {
    try withTemporaryFolder { folder in
      let paths = try [7, 8].enumerated().map { client, rows in
        var shapes = Self.saved
        shapes["lm_head.weight"] = [rows, 5]
        return try write(folder.appending(path: "c\(client)"), seed: 0, config: Self.savedConfig, shapes)
      }
      let failure = #expect(throws: Failure.self) {
        try TestMerge(inputs: paths, settings: Self.average + [("merge.absolute", "average")]).result()
      }
      #expect(failure?.message == "has shape [8, 5], but in client 'c0' it has [7, 5]")
      #expect(failure?.tensor == "lm_head.weight")
    }
  }

  @Test func `one base under two names is merged when the user says its name`() throws {
    try withTemporaryFolder { folder in
      let paths = try ["base", "mirror/base"].enumerated().map { client, base in
        try write(
          folder.appending(path: "c\(client)"), seed: UInt64(client),
          config: JSONObject([("base_model_name_or_path", .string(base))]), Self.plain)
      }
      expectFailure(.badData, "its base model is '") { try TestMerge(inputs: paths, settings: Self.average).result() }
      let result = try TestMerge(inputs: paths, settings: Self.average + [("merge.base_model", "base")]).result()
      #expect(result.adapter.config.baseModel == "base")
    }
  }

  @Test func `transposed bases do not mix with others`() throws {
    try withTemporaryFolder { folder in
      let paths = [
        try write(folder.appending(path: "c0"), seed: 0, Self.plain),
        try write(
          folder.appending(path: "c1"), seed: 1, config: JSONObject([("fan_in_fan_out", true)]), Self.plain),
      ]
      let failure = #expect(throws: Failure.self) { try TestMerge(inputs: paths, settings: Self.average).result() }
      #expect(failure?.message == "fan_in_fan_out is true, but in client 'c0' it is false")
      #expect(failure?.client == "c1")
    }
  }

  @Test(arguments: ["average", "ties", "median", "karcher", "iso"])
  func `an adapter that changes nothing is merged`(_ method: String) throws {
    try withTemporaryFolder { folder in
      let zero = try write(folder.appending(path: "zero"), seed: 0, Self.plain)
      let file = URL(filePath: zero + "/adapter_model.safetensors")
      var tensors = try SafetensorsFile(Bytes(Array(Data(contentsOf: file)))).tensors
      tensors["base_model.model.proj.lora_B.weight"] = Tensor([Float](repeating: 0, count: 20), shape: [5, 4])
      try Data(safetensors(tensors)).write(to: file)
      let other = try write(folder.appending(path: "other"), seed: 1, Self.plain)
      let both = try TestMerge(inputs: [zero, other], settings: [("merge.method", method)]).result()
      let values = try deltasOf(both.adapter).values.joined()
      #expect(!values.isEmpty && values.allSatisfy(\.isFinite))
      if method == "average" {
        let half = try deltasOf(readAdapter(other)).mapValues { $0.map { $0 / 2 } }
        #expect(try relativeError(deltasOf(both.adapter), half) < 1e-6)
      }
    }
  }

  @Test func `one adapter under two names counts twice`() throws {
    try withTemporaryFolder { folder in
      let path = try write(folder.appending(path: "c0"), seed: 0, Self.plain)
      let result = try TestMerge(
        inputs: [path, path], settings: Self.average + [("clients.1.name", "twin"), ("merge.rank", "same")]
      ).deltas()
      #expect(try relativeError(result, deltasOf(readAdapter(path))) < 1e-6)
    }
  }

  @Test func `a rank above what the layer has is brought down, one above what servers take is warned of`() throws {
    let inputs = ["a", "b", "c"].map { fixture("peft/adapters/\($0)") }
    let high = try TestMerge(inputs: inputs, settings: Self.average + [("merge.rank", "500")]).result()
    #expect(high.adapter.modules.values.allSatisfy { $0.rank == min(24, $0.outputs, $0.inputs) })
    #expect(high.record.notes.contains { $0.severity == .warning && $0.text.contains("vLLM accepts up to 16") })
    let low = try TestMerge(inputs: inputs, settings: Self.average + [("merge.rank", "16")]).result()
    #expect(!low.record.notes.contains { $0.text.contains("vLLM") })
  }
}
