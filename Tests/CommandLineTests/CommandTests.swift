import Foundation
import JSON
import PluginHost
import TestSupport
import Testing

/// The commands as a user runs them.
@Suite struct CommandTests {
  private func json(_ text: String) throws -> JSONObject { try #require(try JSONReader().read(text).objectValue) }

  @Test(arguments: ["average", "ties"]) func `the sample recipes run as they are`(_ name: String) throws {
    try withWorkingCopy { folder in
      let result = try clues(["run", "recipes/\(name).yaml", "--output", "out"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("The merged adapter is in out"))
      let record = try json(String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8))
      #expect(record["schema"] == "clues/run/1")
      #expect(record["merge"]?.objectValue?["modules"]?.arrayValue?.count == 60)
      #expect(
        record["clients"]?.arrayValue?.compactMap { $0.objectValue?["name"]?.stringValue } == [
          "financial", "medical", "multilingual",
        ])
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "out").path).sorted()
      #expect(names == ["README.md", "adapter_config.json", "adapter_model.safetensors", "clues"])
      let checked = try clues(["recipe", "check", "recipes/\(name).yaml"], in: folder)
      #expect(checked.status == 0)
      #expect(try clues(["recipe", "explain", "recipes/\(name).yaml"], in: folder).output.contains("merge.method"))
    }
  }

  @Test func `the archive's format changes no byte of the result`() throws {
    try withTemporaryFolder { folder in
      var results: Set<Data> = []
      for ending in ["", ".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".zip"] {
        let inputs = try ["c0", "c1"].map { name -> String in
          guard !ending.isEmpty else { return fixture("tiny/\(name)") }
          let packed = try clues(["pack", fixture("tiny/\(name)"), "-o", name + ending], in: folder)
          #expect(packed.status == 0, "\(packed.errors)")
          return name + ending
        }
        let output = "merged-from\(ending.replacingOccurrences(of: ".", with: "-"))"
        // The order of the clients plays no part either.
        let merged = try clues(["merge", inputs[1], inputs[0], "--method", "ties", "-o", output], in: folder)
        #expect(merged.status == 0, "\(merged.errors)")
        results.insert(try Data(contentsOf: folder.appending(path: output + "/adapter_model.safetensors")))
      }
      #expect(results.count == 1)
    }
  }

  @Test func `packing converts, leaves out, and says so`() throws {
    try withTemporaryFolder { folder in
      let result = try clues(
        [
          "pack", fixture("tiny/c0"), "-o", "c0.zip", "--dtype", "bfloat16", "--without", "optimizer,gradients",
          "--json",
        ],
        in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let list = try json(result.output)
      let packed = list["packed"]?.arrayValue?.compactMap { $0.objectValue?["path"]?.stringValue } ?? []
      #expect(packed.contains("checkpoint-8/adapter_model.safetensors"))
      #expect(!packed.contains { $0.contains("optimizer") || $0.contains("gradients") })
      let inspected = try json(clues(["inspect", "c0.zip", "--json"], in: folder).output)
      #expect(inspected["adapter"]?.objectValue?["dtypes"] == ["bfloat16"])
      #expect(inspected["client"] == "c0")
    }
  }

  @Test func `a dry run writes nothing`() throws {
    try withWorkingCopy { folder in
      let result = try clues(["run", "recipes/ties.yaml", "--output", "out", "--dry-run"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("60 modules; every client has all of them"))
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "out").path))
    }
  }

  @Test func `an installed tree finds its plugins`() throws {
    try withTemporaryFolder { folder in
      let built = PluginSearchPath.executableFolder
      let (bin, plugins) = (folder.appending(path: "bin"), folder.appending(path: "lib/clues/plugins"))
      try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
      try FileManager.default.createDirectory(at: plugins, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: built + "/clues", toPath: bin.path + "/clues")
      for name in try FileManager.default.contentsOfDirectory(atPath: built)
      where name.hasPrefix("libCluesPlugin") && name.hasSuffix(".so") {
        try FileManager.default.copyItem(atPath: built + "/" + name, toPath: plugins.path + "/" + name)
      }
      let result = try clues(["plugins", "list", "--json"], in: folder, executable: bin.path + "/clues")
      #expect(result.status == 0, "\(result.errors)")
      let entries = try json(result.output)["plugins"]?.arrayValue ?? []
      #expect(entries.contains { $0.objectValue?["id"] == "ties" })
      #expect(
        entries.allSatisfy { entry in
          entry.objectValue?["path"]?.stringValue?.contains("/lib/clues/plugins/") ?? false
        })
    }
  }

  @Test func `a plugin from plain C shows up and merges`() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(at: folder.appending(path: "plugins"), withIntermediateDirectories: true)
      try output(
        "cc",
        [
          "-std=c11", "-shared", "-fPIC", "-fvisibility=hidden", "-I",
          repository.appending(path: "Sources/CluesPluginABI/include").path, fixture("plugins/first.c"), "-o",
          folder.appending(path: "plugins/first.so").path,
        ])
      try mark(folder.appending(path: "plugins/first.so").path)
      let listed = try clues(["plugins", "list", "--plugin-dir", "plugins"], in: folder)
      #expect(listed.output.contains("example.first"))
      let command = [
        "merge", fixture("tiny/c1"), fixture("tiny/c0"), "--method", "example.first", "--plugin-dir", "plugins",
        "--space", "factors", "-o", "out",
      ]
      #expect(try clues(command, in: folder).status == 77)
      #expect(try clues(["plugins", "trust", "plugins/first.so"], in: folder).status == 0)
      let merged = try clues(command, in: folder)
      #expect(merged.status == 0, "\(merged.errors)")
      let one = try clues(
        ["merge", fixture("tiny/c0"), "--method", "average", "--space", "factors", "-o", "one"], in: folder)
      #expect(one.status == 0)
      #expect(
        try Data(contentsOf: folder.appending(path: "out/adapter_model.safetensors"))
          == Data(contentsOf: folder.appending(path: "one/adapter_model.safetensors")))
    }
  }
}

extension CommandTests {
  @Test func `a merge can be an archive, which merges on`() throws {
    try withTemporaryFolder { folder in
      let inputs = [fixture("tiny/c0"), fixture("tiny/c1")]
      let arguments = ["merge"] + inputs + ["--method", "average"]
      #expect(try clues(arguments + ["-o", "merged.tar.zst"], in: folder).status == 0)
      #expect(try clues(arguments + ["-o", "merged"], in: folder).status == 0)
      #expect(try clues(arguments + ["-o", "merged.tar.zst"], in: folder).status == 73)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["merged", "merged.tar.zst"])
      for (input, output) in [("merged.tar.zst", "from-archive"), ("merged", "from-folder")] {
        let again = try clues(["merge", input, "--method", "average", "-o", output], in: folder)
        #expect(again.status == 0, "\(again.errors)")
      }
      #expect(
        try Data(contentsOf: folder.appending(path: "from-archive/adapter_model.safetensors"))
          == Data(contentsOf: folder.appending(path: "from-folder/adapter_model.safetensors")))
    }
  }

  @Test func `values over layers and filters are explained`() throws {
    try withWorkingCopy { folder in
      let density = "merge.parameters.density=[{filter: q_proj, value: [0.1, 0.9]}, {filter: v_proj, value: 0.5}]"
      let result = try clues(["recipe", "explain", "recipes/ties.yaml", "--modules", "--set", density], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let lines = result.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 61)
      #expect(lines[1].hasPrefix("model.layers.0.self_attn.q_proj") && lines[1].contains("density 0.1,"))
      #expect(lines[2].contains("v_proj") && lines[2].contains("density 0.5,"))
      #expect(lines[59].hasPrefix("model.layers.29.self_attn.q_proj") && lines[59].contains("density 0.9,"))
      let idle = try clues(
        [
          "recipe", "explain", "recipes/ties.yaml", "--modules", "--set",
          "merge.parameters.density=[{filter: k_proj, value: 1}]",
        ],
        in: folder)
      #expect(idle.status == 78)
      #expect(idle.errors.contains("the filter 'k_proj' of 'density' matches no module"), "\(idle.errors)")
      #expect(idle.errors.contains("did you mean 'q_proj'?"))
      // Nothing is left of it, and that is part of every name.
      let empty = try clues(
        [
          "recipe", "explain", "recipes/ties.yaml", "--modules", "--set",
          "merge.parameters.density=[{filter: _orig_mod., value: 1}]",
        ],
        in: folder)
      #expect(empty.status == 78 && empty.errors.contains("the filter '_orig_mod.' of 'density'"), "\(empty.errors)")
    }
  }
}

extension CommandTests {
  /// Rows of the table in Documentation/Merging.md; those on dense updates take their time, so two of them stand for all.
  static let documentedMerges: [(method: String, space: String, norm: String, leftOut: String)] = {
    let text = try! String(contentsOf: repository.appending(path: "Documentation/Merging.md"), encoding: .utf8)
    return text.components(separatedBy: "\n").compactMap { line in
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: [" ", "`"]) }
      guard cells.count == 4, ["stack", "core", "delta", "factors"].contains(cells[1]), cells[3].hasSuffix(" %") else {
        return nil
      }
      return (cells[0], cells[1], cells[2], cells[3])
    }
  }()

  @Test func `the documented merges come out as they are documented`() throws {
    #expect(Self.documentedMerges.count > 40)
    try withWorkingCopy { folder in
      for row in Self.documentedMerges where row.space != "delta" || ["ties", "average"].contains(row.method) {
        let rank = row.space == "factors" ? [] : ["--rank", "8"]
        let result = try clues(
          [
            "merge", "checkpoints/medical.tar.zst", "checkpoints/financial.tar.gz", "checkpoints/multilingual.zip",
            "--method", row.method, "--space", row.space, "--dtype", "float32", "--json", "-q", "-o", "out", "--force",
          ] + rank, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        let merge = try #require(try json(result.output)["merge"]?.objectValue)
        let modules = (merge["modules"]?.arrayValue ?? []).compactMap { $0.objectValue?["energy"]?.doubleValue }
        // Other processors round differently in the last digits, and what looks at entries follows.
        let norm = modules.reduce(0, +).squareRoot()
        let leftOut = 100 * (merge["discarded_share"]?.doubleValue ?? .nan)
        let documented = (norm: Double(row.norm) ?? .nan, leftOut: Double(row.leftOut.dropLast(2)) ?? .nan)
        #expect(abs(norm - documented.norm) < 0.005 * documented.norm, "\(row.method) in \(row.space): \(norm)")
        #expect(abs(leftOut - documented.leftOut) < 0.2, "\(row.method) in \(row.space): \(leftOut)")
      }
    }
  }
}
