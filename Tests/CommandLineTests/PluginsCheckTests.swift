import Foundation
import JSON
import PluginHost
import TestSupport
import Testing

/// `clues plugins check`.
@Suite struct PluginsCheckTests {
  func withPlugin(_ name: String, _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: name + ".so").path
      try output(
        "gcc",
        [
          "-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden", "-I",
          repository.appending(path: "Sources/CluesPluginABI/include").path, fixture("plugins/bad/\(name).c"), "-o",
          path,
        ])
      try mark(path)
      try body(path)
    }
  }

  @Test func whatIsGoodPasses() throws {
    try withPlugin("good") { path in
      let result = try clues(["plugins", "check", path, "--seed", "5"])
      #expect(result.status == 0, "\(result.output)")
      #expect(result.output.contains("one-symbol"))
      #expect(!result.output.contains("--seed"))
      for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }
  }

  @Test func whatIsBadExitsWith70AndTellsTheSeed() throws {
    try withPlugin("writes-outside") { path in
      let result = try clues(["plugins", "check", path, "--seed", "5", "--only", "writes-inside"])
      #expect(result.status == 70)
      #expect(result.output.contains("sum: wrote after the end of the output"))
      #expect(result.output.contains("to do: use the extents of the output"))
      #expect(result.output.contains("--seed 5"))
      for line in result.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }
  }

  @Test func jsonSaysTheSame() throws {
    try withPlugin("traps") { path in
      let result = try clues(["plugins", "check", path, "--seed", "5", "--only", "sizes", "--only", "silent", "--json"])
      #expect(result.status == 70)
      let object = try #require(try JSONReader().read(result.output).objectValue)
      #expect(object["schema"] == "clues/plugin-check/1")
      #expect(object["seed"] == "5")
      #expect(object["passed"] == false)
      let checks = (object["checks"]?.arrayValue ?? []).compactMap(\.objectValue)
      try #require(checks.count == 2)
      #expect(checks.map { $0["id"] } == ["sizes", "silent"])
      #expect(checks.map { $0["status"] } == ["crashed", "success"])
      let finding = checks[0]["findings"]?.arrayValue?.first?.objectValue
      #expect(finding?["entry"] == "sum")
      #expect(finding?["message"]?.stringValue?.hasPrefix("crashed (SIGILL) in merge of 3 matrices of 0 × 0") == true)
    }
  }

  @Test func whatIsNoPluginIsSaidToBeNone() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "text.so").path
      try Data("no plugin at all".utf8).write(to: URL(filePath: path))
      let result = try clues(["plugins", "check", path])
      #expect(result.status == 70)
      #expect(result.output.contains("it cannot be loaded"))
    }
    #expect(try clues(["plugins", "check", "/nowhere.so"]).status == 66)
  }

  @Test func namesOfChecksAreChecked() throws {
    let result = try clues(["plugins", "check", cluesExecutable, "--only", "strydes"])
    #expect(result.status == 64)
    #expect(result.errors.contains("did you mean 'strides'?"))
    #expect(try clues(["plugins", "check"]).status == 64)
  }

  @Test func theListNamesAll() throws {
    let result = try clues(["plugins", "check", "--list"])
    #expect(result.status == 0)
    #expect(result.output.contains("writes-inside"))
    let json = try JSONReader().read(clues(["plugins", "check", "--list", "--json"]).output)
    #expect(json.objectValue?["schema"] == "clues/plugin-checks/1")
  }

  @Test func aCheckStartedByHandChecksNothing() throws { #expect(try clues(["__check"]).status == 1) }
}
