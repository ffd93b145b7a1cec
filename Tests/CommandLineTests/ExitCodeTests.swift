import Foundation
import JSON
import TestSupport
import Testing

/// Every kind of failure: its exit code, its message, and an output folder that is as it was.
@Suite struct ExitCodeTests {
  struct Refusal: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    let status: Int32
    let message: String
    var testDescription: String { arguments.joined(separator: " ") }
  }

  static let tiny = fixture("tiny/c0")
  static let peft = fixture("peft/adapters")

  static let refusals: [Refusal] = [
    .init(arguments: ["merge"], status: 64, message: "Missing expected argument"),
    .init(
      arguments: ["merge", tiny, "--method", "average", "--weight", "1", "--weight", "2", "-o", "out"], status: 64,
      message: "there are 2 weights for 1 inputs"),
    .init(
      arguments: ["merge", tiny, "--method", "average", "-p", "normalize", "-o", "out"], status: 64,
      message: "-p normalize: expected key=value"),
    .init(
      arguments: ["merge", "nowhere", "--method", "average", "-o", "out"], status: 66,
      message: "nowhere: error: cannot be opened: No such file or directory"),
    .init(
      arguments: ["merge", tiny, "--method", "tie", "-o", "out"], status: 69,
      message: "error: there is no merge method 'tie' (from --method tie)\n  help: did you mean 'ties'?"),
    .init(
      arguments: ["merge", tiny, "--method", "ties", "-p", "density=2", "-o", "out"], status: 78,
      message: "'density' must be a number from 0 to 1, not 2 (from -p density=2)"),
    .init(
      arguments: ["merge", tiny, "--method", "ties", "-p", "densty=0.2", "-o", "out"], status: 78,
      message: "has no parameter 'densty' (from -p densty=0.2)\n  help: did you mean 'density'?"),
    .init(
      arguments: ["merge", tiny, "--method", "ties", "--space", "stack", "-o", "out"], status: 78,
      message: "the method 'ties' does not work in the space 'stack' (from --space stack)"),
    .init(
      arguments: ["merge", tiny, "--method", "average", "--space", "factors", "--rank", "2", "-o", "out"], status: 78,
      message: "the space 'factors' keeps the rank of its inputs"),
    .init(
      arguments: ["merge", tiny, tiny, "--method", "average", "-o", "out"], status: 78,
      message: "two clients are called 'c0'"),
    .init(
      arguments: ["merge", tiny, peft + "/a", "--method", "average", "-o", "out"], status: 65,
      message: "client 'c0': its base model is 'fixture_tiny/base', but that of client 'a' is 'clues/fixture'"),
    .init(
      arguments: ["merge", peft + "/a", peft + "/r4", "--method", "average", "--space", "factors", "-o", "out"],
      status: 65, message: "the space 'factors' needs equal ranks, but they are: a 8, r4 4"),
    .init(
      arguments: ["merge", tiny, "--method", "average", "--dtype", "int8", "-o", "out"], status: 78,
      message: "(from --dtype int8)"),
    .init(
      arguments: [
        "merge", peft + "/a", peft + "/b", "--method", "average", "--weight=1", "--weight=-1", "-o", "out",
      ], status: 65, message: "the weights sum to 0"),
    .init(
      arguments: ["merge", tiny, "--method", "average", "--plugin-dir", "nowhere", "-o", "out"], status: 66,
      message: "nowhere: error: there is no such plugin folder"),
    .init(
      arguments: ["merge", tiny, "--method", "average", "-o", "out.rar"], status: 64,
      message: "out.rar: error: the output must be a folder or an archive, not a '.rar' file\n  help: name a folder"),
    .init(
      arguments: ["merge", "some-org/some-model", "--method", "average", "-o", "out"], status: 66,
      message: "is not in the local cache of the Hugging Face Hub"),
    .init(arguments: ["plugins", "show", "averag"], status: 69, message: "did you mean 'average'?"),
    .init(arguments: ["run", "nowhere.yaml"], status: 66, message: "nowhere.yaml"),
    .init(arguments: ["inspect", "nowhere"], status: 66, message: "nowhere: error: cannot be opened"),
    .init(
      arguments: ["pack", tiny, "-o", "out.tar", "--without", "gradient"], status: 64,
      message: "there is no part 'gradient'\n  help: did you mean 'gradients'?"),
  ]

  @Test(arguments: refusals) func `refuses`(_ refusal: Refusal) throws {
    try withTemporaryFolder { folder in
      let result = try clues(refusal.arguments, in: folder)
      #expect(result.status == refusal.status)
      #expect(result.errors.contains(refusal.message), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func `a bad recipe names line and column`() throws {
    try withTemporaryFolder { folder in
      let recipe = "clients: [a.tar]\nmerge:\n  method: ties\n  parameters:\n    density: 7\n"
      try recipe.write(to: folder.appending(path: "bad.yaml"), atomically: true, encoding: .utf8)
      let result = try clues(["recipe", "check", "bad.yaml"], in: folder)
      #expect(result.status == 78)
      #expect(
        result.errors.contains("bad.yaml:5:14: error: 'density' must be a number from 0 to 1, not 7"),
        "\(result.errors)")
    }
  }

  @Test func `an output folder that is there stays, unless forced`() throws {
    try withTemporaryFolder { folder in
      let output = folder.appending(path: "out")
      let arguments = ["merge", Self.tiny, "--method", "average", "-o", "out"]
      #expect(try clues(arguments, in: folder).status == 0)
      let before = try Data(contentsOf: output.appending(path: "adapter_model.safetensors"))
      let second = try clues(arguments + ["--dtype", "float16"], in: folder)
      #expect(second.status == 73)
      #expect(
        second.errors.contains(
          "out: error: the output folder exists already\n  help: choose another name, or replace it with --force"))
      #expect(try Data(contentsOf: output.appending(path: "adapter_model.safetensors")) == before)
      #expect(try clues(arguments + ["--dtype", "float16", "--force"], in: folder).status == 0)
      #expect(try Data(contentsOf: output.appending(path: "adapter_model.safetensors")) != before)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    }
  }

  @Test func `a folder of other things is not replaced, even if forced`() throws {
    try withTemporaryFolder { folder in
      let precious = folder.appending(path: "out/precious.txt")
      try FileManager.default.createDirectory(at: folder.appending(path: "out"), withIntermediateDirectories: true)
      try "mine".write(to: precious, atomically: true, encoding: .utf8)
      let result = try clues(["merge", Self.tiny, "--method", "average", "-o", "out", "--force"], in: folder)
      #expect(result.status == 73)
      #expect(result.errors.contains("holds more than an adapter and is not a run"))
      #expect(try String(contentsOf: precious, encoding: .utf8) == "mine")
    }
  }
}
