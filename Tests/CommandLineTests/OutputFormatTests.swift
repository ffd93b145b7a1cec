import Foundation
import JSON
import TestSupport
import Testing

/// `output.format` and `--format` choose what is written, and the output's name has to agree.
@Suite struct OutputFormatTests {
  private static let merge = ["merge", fixture("tiny/c0"), fixture("tiny/c1"), "--method", "average"]

  private func contents(_ name: String, in folder: URL) throws -> Data {
    try Data(contentsOf: folder.appending(path: name))
  }

  @Test(arguments: [("peft", "named/adapter_model.safetensors"), ("archive", "named.tar")])
  func `a format that the name agrees with changes nothing`(format: String, file: String) throws {
    try withTemporaryFolder { folder in
      let output = file.split(separator: "/").map(String.init)[0]
      for (place, options) in [("plain", []), ("chosen", ["--format", format])] {
        try FileManager.default.createDirectory(
          at: folder.appending(path: place), withIntermediateDirectories: false)
        let result = try clues(Self.merge + options + ["-o", "\(place)/\(output)"], in: folder)
        try #require(result.status == 0, "\(result.errors)")
      }
      if format == "peft" {
        for file in ["adapter_model.safetensors", "adapter_config.json", "README.md", "clues/report.html"] {
          #expect(try contents("plain/named/\(file)", in: folder) == contents("chosen/named/\(file)", in: folder))
        }
      }
      // An archive holds how long the run took; what was merged is compared.
      let digests = try ["plain", "chosen"].map { place in
        let again = try clues(
          ["merge", "\(place)/\(output)", "--method", "average", "-o", "\(place)/again"], in: folder)
        try #require(again.status == 0, "\(again.errors)")
        return try contents("\(place)/again/adapter_model.safetensors", in: folder)
      }
      #expect(digests[0] == digests[1])
    }
  }

  @Test(arguments: [
    (
      ["--format", "archive", "-o", "out"],
      ["'out' has the name of a folder", "end the name in .tar", "--format archive"]
    ),
    (["--format", "peft", "-o", "out.tar.zst"], ["'out.tar.zst' has the name of an archive", "name a folder"]),
    (["--format", "archiv", "-o", "out.tar"], ["there is no output format 'archiv'", "did you mean 'archive'?"]),
    (["--format", "onnx", "-o", "out"], ["there is no output format 'onnx'", "peft"]),
    (["--format", "PEFT", "-o", "out"], ["the name of a format"]),
  ])
  func `a contradiction is refused with the way out`(options: [String], words: [String]) throws {
    try withTemporaryFolder { folder in
      let result = try clues(Self.merge + options, in: folder)
      #expect(result.status == 78, "\(result.errors)")
      for words in words { #expect(result.errors.contains(words), "\(result.errors)") }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func `a recipe names the format`() throws {
    try withTemporaryFolder { folder in
      func write(_ output: String) throws {
        let text = """
          clients: ["\(fixture("tiny/c0"))", "\(fixture("tiny/c1"))"]
          merge: {method: average}
          output: {\(output)}

          """
        try text.write(to: folder.appending(path: "mine.yaml"), atomically: true, encoding: .utf8)
      }
      // Where nobody names the output, the format gives it its ending.
      try write("format: archive")
      let packed = try clues(["run", "mine.yaml"], in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs") == ["mine.tar"])
      // What the output is in says nothing of how it came about, so a run can be repeated into anything.
      let named = try clues(["run", "mine.yaml", "--set", "output.format=peft", "--output", "one"], in: folder)
      #expect(named.status == 0, "\(named.errors)")
      let record = try JSONReader().read(String(decoding: contents("one/clues/run.json", in: folder), as: UTF8.self))
      let output = try #require(record.objectValue?["recipe"]?.objectValue?["output"]?.objectValue)
      #expect(output.keys == ["dtype"])
      let again = try clues(["run", "one", "--output", "two.zip"], in: folder)
      #expect(again.status == 0, "\(again.errors)")
      // The recipe's own path is checked without a run, with line and column.
      try write("path: runs/mine, format: archive")
      for arguments in [["recipe", "check", "mine.yaml"], ["run", "mine.yaml"]] {
        let refused = try clues(arguments, in: folder)
        #expect(refused.status == 78)
        #expect(
          refused.errors.contains("mine.yaml:3:35: error: the output 'runs/mine' has the name of a folder"),
          "\(refused.errors)")
      }
      let other = try clues(["run", "mine.yaml", "--output", "three.tar.gz"], in: folder)
      #expect(other.status == 0, "\(other.errors)")
    }
  }
}
