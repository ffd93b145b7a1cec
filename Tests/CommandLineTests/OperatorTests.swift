import Foundation
import JSON
import Tensors
import TestSupport
import Testing

/// What an operator sees and can do about it: clients left out, adapters chosen by name, folders that are no bundle.
@Suite struct OperatorTests {
  private static let samples = [
    "checkpoints/medical.tar.zst", "checkpoints/financial.tar.gz", "checkpoints/multilingual.zip",
  ]

  private func run(_ folder: URL, _ arguments: String...) throws -> CommandResult { try clues(arguments, in: folder) }

  private func weights(_ folder: URL, _ output: String) throws -> Data {
    try Data(contentsOf: folder.appending(path: "\(output)/adapter_model.safetensors"))
  }

  private func record(_ folder: URL, _ output: String) throws -> JSONObject {
    let text = try String(contentsOf: folder.appending(path: "\(output)/clues/run.json"), encoding: .utf8)
    return try #require(try JSONReader().read(text).objectValue)
  }

  @Test func `a client is left out of a merge and of a run`() throws {
    try withWorkingCopy { folder in
      let merged = try clues(
        ["merge"] + Self.samples + ["--method", "average", "--without", "medical", "-o", "less"], in: folder)
      #expect(merged.status == 0, "\(merged.errors)")
      let two = try clues(["merge"] + Self.samples.dropFirst() + ["--method", "average", "-o", "two"], in: folder)
      #expect(two.status == 0 && !merged.output.contains("medical"), "\(two.errors)")
      #expect(try weights(folder, "less") == weights(folder, "two"))
      let ran = try run(
        folder, "run", "recipes/average.yaml", "--without", "medical", "--without", "financial", "-o", "one")
      #expect(ran.status == 0, "\(ran.errors)")
      let recipe = try record(folder, "one")["recipe"]?.objectValue
      #expect(recipe?["clients"]?.arrayValue?.count == 1)
      let unknown = try run(folder, "run", "recipes/average.yaml", "--without", "medicle", "--dry-run")
      #expect(unknown.status == 64 && unknown.errors.contains("did you mean 'medical'?"), "\(unknown.errors)")
      let few = try clues(
        ["merge"] + Self.samples + ["--method", "krum", "--without", "medical", "-o", "few"], in: folder)
      #expect(few.status == 78 && few.errors.contains("merges at least 3 adapters, but there are 2"), "\(few.errors)")
    }
  }

  @Test(arguments: [
    ("peft/adapters/a", "that is the path of the client 'a': --without a"),
    ("a,b", "give it once for each: --without a --without b"), ("A", "did you mean 'a'?"), ("zzz", "known here: a, b"),
  ]) func `a client that is not there leads to the one that is meant`(_ name: String, _ help: String) throws {
    let result = try clues(
      [
        "merge", "peft/adapters/a", "peft/adapters/b", "--method", "average", "--without", name, "-o", "/nowhere/x",
      ], in: URL(filePath: fixture("")))
    #expect(result.status == 64, "\(result.errors)")
    #expect(result.errors.contains("help: \(help)\n"), "\(result.errors)")
  }

  @Test func `a method for two says what to do with three`() throws {
    let result = try clues(["merge"] + Self.samples + ["--method", "slerp", "-o", "/nowhere/x"])
    #expect(
      result.status == 78 && result.errors.contains("help: leave clients out (--without CLIENT)"), "\(result.errors)")
  }

  /// Krum takes whoever is nearest to the others, which may be one that does nothing.
  @Test func `a result that changes nothing is said`() throws {
    try withWorkingCopy { folder in
      let place = folder.appending(path: "idle")
      try FileManager.default.copyItem(atPath: fixture("peft/adapters/a"), toPath: place.path)
      let path = place.appending(path: "adapter_model.safetensors")
      let file = try SafetensorsFile(Bytes(Array(Data(contentsOf: path))))
      let tensors = file.tensors.mapValues {
        Tensor(Array(repeating: 0, count: $0.count), shape: $0.shape, dtype: .f32)
      }
      try Data(safetensors(tensors)).write(to: path)
      let result = try run(folder, "merge", "idle", "--method", "average", "-o", "m")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("warning: the merged adapter changes nothing"), "\(result.errors)")
    }
  }

  /// A PEFT folder with two adapters in folders of their own.
  private func named(_ folder: URL) throws {
    for (name, source) in [("code", "a"), ("math", "b")] {
      try FileManager.default.createDirectory(at: folder.appending(path: "two"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: fixture("peft/adapters/\(source)"), toPath: folder.appending(path: "two/\(name)").path)
    }
  }

  @Test func `an adapter is chosen by its name wherever inputs hold several`() throws {
    try withWorkingCopy { folder in
      try named(folder)
      for arguments in [
        ["inspect", "two"], ["merge", "two", "--method", "average", "-o", "x"],
        ["score", "two", "--scorer", "trajectory"],
        ["pack", "two", "-o", "x.tar"],
      ] {
        let refused = try clues(arguments, in: folder)
        #expect(refused.status == 65, "\(arguments)")
        #expect(refused.errors.contains("two: error: holds 2 adapters: 'code' and 'math'"), "\(refused.errors)")
        #expect(refused.errors.contains("--adapter code") && refused.errors.contains("two/*"), "\(refused.errors)")
      }
      for choice in [["two", "--adapter", "math"], ["two#math"]] {
        let inspected = try clues(["inspect"] + choice, in: folder)
        #expect(inspected.status == 0 && inspected.output.contains("named 'math'"), "\(inspected.errors)")
        let merged = try clues(["merge"] + choice + ["--method", "average", "-o", "m", "--force"], in: folder)
        #expect(merged.status == 0, "\(merged.errors)")
        let packed = try clues(["pack"] + choice + ["-o", "m.tar", "--force"], in: folder)
        #expect(packed.status == 0 && packed.output.contains("math/adapter_model.safetensors"), "\(packed.errors)")
        #expect(packed.output.contains("code/adapter_model.safetensors"), "what stays is listed")
        let whole = try clues(["merge", "m.tar", "--method", "average", "-o", "again", "--force"], in: folder)
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(try weights(folder, "m") == weights(folder, "again"))
      }
      let direct = try run(folder, "merge", "two/math", "--method", "average", "-o", "direct")
      #expect(direct.status == 0, "\(direct.errors)")
      #expect(try weights(folder, "direct") == weights(folder, "m"))
      let both = try run(folder, "merge", "two#code", "two#math", "--method", "average", "-o", "both")
      #expect(both.status == 0 && both.output.contains("two#math"), "\(both.errors)")
      let scored = try run(
        folder, "score", "two", "two/code", "--adapter", "math", "--adapter", "default", "--scorer", "trajectory")
      #expect(scored.status == 0, "\(scored.errors)")
      try "clients: [{path: two, adapter: math}]\nmerge: {method: average}\n".write(
        to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      #expect(try run(folder, "run", "r.yaml", "-o", "ran").status == 0)
      #expect(try weights(folder, "ran") == weights(folder, "m"))
      let file = try run(folder, "inspect", "two/math/adapter_model.safetensors", "--adapter", "math")
      #expect(file.status == 64 && file.errors.contains("is a single file"), "\(file.errors)")
    }
  }

  @Test func `a merge with a residual is one adapter`() throws {
    try withWorkingCopy { folder in
      let merged = try clues(
        ["merge"] + Self.samples + ["--method", "average", "--rank", "4", "--residual", "-o", "m"], in: folder)
      #expect(merged.status == 0, "\(merged.errors)")
      let inspected = try run(folder, "inspect", "m")
      #expect(
        inspected.status == 0 && inspected.output.contains("'residual/' is what compression left out"), "\(inspected)")
      let again = try run(folder, "merge", "m", "--method", "average", "-o", "n")
      #expect(again.status == 0, "\(again.errors)")
      let rest = try run(folder, "inspect", "m#residual")
      #expect(rest.status == 0 && rest.output.contains("named 'residual'"), "\(rest.errors)")
    }
  }

  @Test func `a folder of clients is not one client`() throws {
    try withWorkingCopy { folder in
      let result = try run(folder, "merge", "checkpoints", "--method", "average", "-o", "m")
      #expect(result.status == 65, "\(result.errors)")
      #expect(result.errors.contains("checkpoints: error: holds the bundles of 3 clients"), "\(result.errors)")
      #expect(result.errors.contains("give each as an input of its own: checkpoints/"), "\(result.errors)")
    }
  }

  @Test func `the summary tells every client's norm and cosines within 80 columns`() throws {
    try withWorkingCopy { folder in
      let result = try clues(["merge"] + Self.samples + ["--method", "average", "-o", "m"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("client         norm  cos(result)  cos(others)  coefficient"), "\(result.output)")
      #expect(result.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
      #expect(result.output.contains("over 60 shared modules"), "\(result.output)")
      let card = try String(contentsOf: folder.appending(path: "m/README.md"), encoding: .utf8)
      #expect(card.contains("| client | weight | norm | cosine with the result | SHA-256 of its bundle |"))
      let clients = try #require(try record(folder, "m")["clients"]?.arrayValue).compactMap(\.objectValue)
      #expect(clients.allSatisfy { ($0["norm"]?.doubleValue ?? 0) > 1 && $0["stands_out"] == [] })
    }
  }
}
