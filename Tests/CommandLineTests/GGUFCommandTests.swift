import Foundation
import TestSupport
import Testing

/// `clues convert` and `--format gguf`, as users type them.
@Suite struct GGUFCommandTests {
  private static let base = fixture("models/qwen2")
  private static let adapter = fixture("models/qwen2/adapter")

  @Test func `a merge in GGUF repeats from its own record`() throws {
    try withTemporaryFolder { folder in
      let merge = [
        "merge", Self.adapter, Self.adapter, "--client", "a", "--client", "b", "--method", "average", "--format",
        "gguf",
      ]
      let first = try clues(merge + ["--base", Self.base, "-o", "first"], in: folder)
      try #require(first.status == 0, "\(first.errors)")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/first").sorted()
      #expect(files == ["README.md", "adapter.gguf", "clues"])
      let second = try clues(["run", "first", "-o", "second"], in: folder)
      try #require(second.status == 0, "\(second.errors)")
      let written = try ["first", "second"].map {
        try Data(contentsOf: folder.appending(path: "\($0)/adapter.gguf"))
      }
      #expect(written[0] == written[1])
      // It replaces its own, and nothing else.
      #expect(try clues(merge + ["--base", Self.base, "-o", "first", "--force", "-q"], in: folder).status == 0)
    }
  }

  @Test func `a conversion is a file or nothing`() throws {
    try withTemporaryFolder { folder in
      let convert = ["convert", Self.adapter, "--base", Self.base + "/config.json", "-o", "a.gguf"]
      let result = try clues(convert + ["--json"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains(#""architecture": "qwen2""#) && result.output.contains(#""rank": 3"#))
      let written = try Data(contentsOf: folder.appending(path: "a.gguf"))
      let again = try clues(convert, in: folder)
      #expect(again.status == 73 && again.errors.contains("--force"), "\(again.errors)")
      let other = try clues(
        ["convert", Self.adapter, "--base", fixture("models/llama3"), "-o", "a.gguf", "--force"], in: folder)
      #expect(other.status == 65, "\(other.errors)")
      #expect(other.errors.contains("model.layers.0.") && other.errors.contains("base model"), "\(other.errors)")
      #expect(try Data(contentsOf: folder.appending(path: "a.gguf")) == written)
      #expect(try clues(convert + ["--force", "--dtype", "float16"], in: folder).status == 0)
      #expect(try Data(contentsOf: folder.appending(path: "a.gguf")).count < written.count)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.gguf"])
    }
  }

  @Test(arguments: [
    (["--format", "gguf"], 78, "--base"), (["--base", base], 78, "omit the base model"),
    (["--format", "gguf", "--base", base, "--rank-layout", "exact"], 78, "one rank"),
    (["--format", "gguf", "--base", "nowhere"], 66, "nowhere"),
    (["--format", "gguf", "--base", fixture("models/llama3")], 65, "client 'adapter'"),
  ])
  func `a format and its base model go together`(options: [String], status: Int32, words: String) throws {
    try withTemporaryFolder { folder in
      let result = try clues(["merge", Self.adapter, "--method", "average", "-o", "out"] + options, in: folder)
      #expect(result.status == status, "\(result.errors)")
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func `what only a PEFT folder can hold is refused`() throws {
    try withTemporaryFolder { folder in
      let result = try clues(
        ["convert", fixture("peft/adapters/konly"), "--base", Self.base, "-o", "a.safetensors"], in: folder)
      #expect(result.status == 64 && result.errors.contains(".gguf"), "\(result.errors)")
    }
  }
}
