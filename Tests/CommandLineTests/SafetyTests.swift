import Foundation
import TestSupport
import Testing

/// What could cost a user something: files outside the output, folders that were not ours, results that only look whole.
@Suite struct SafetyTests {
  static let tiny = fixture("tiny/c0")

  @Test func `a score file cannot write outside the selection`() throws {
    try withTemporaryFolder { folder in
      for (client, id, message) in [
        ("../../escaped", "a", "gives the client a name that cannot be used"),
        ("c", "a\\nforged", "contains a line break or another control character"),
      ] {
        let line = #"{"client": "\#(client)", "split": "train", "id": "\#(id)", "score": 1}"# + "\n"
        try line.write(to: folder.appending(path: "scores.jsonl"), atomically: true, encoding: .utf8)
        let result = try clues(
          ["select", "scores.jsonl", "--threshold", "fixed", "-p", "value=0", "-o", "deep/selection"], in: folder)
        #expect(result.status == 65)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["scores.jsonl"])
      }
    }
  }

  @Test(arguments: [
    #""score": "0.5""#, #""score": 1, "kept": "yes""#, #""score": 1, "checkpoints": {"1": true}"#,
    #""score": 1, "scores": {"clues": "high"}"#,
  ]) func `a score that is no number is not taken for none`(_ members: String) throws {
    try withTemporaryFolder { folder in
      let line = #"{"client": "c", "split": "train", "id": "a", \#(members)}"# + "\n"
      try line.write(to: folder.appending(path: "scores.jsonl"), atomically: true, encoding: .utf8)
      let result = try clues(["select", "scores.jsonl", "--threshold", "fixed", "-p", "value=0"], in: folder)
      #expect(result.status == 65)
      #expect(result.errors.hasPrefix("scores.jsonl:1:1: error: client 'c': "), "\(result.errors)")
    }
  }

  @Test func `files beside the scores say what they are, or are refused`() throws {
    try withTemporaryFolder { folder in
      let line = #"{"client": "c", "split": "train", "id": "a", "score": 1}"# + "\n"
      try line.write(to: folder.appending(path: "scores.jsonl"), atomically: true, encoding: .utf8)
      func select(_ options: String...) throws -> CommandResult {
        try clues(["select", "scores.jsonl"] + options, in: folder)
      }
      for (text, message) in [
        (#""threshold": 1, "calibrate": "clients""#, "'calibrate' is 'clients', not 'none' or 'client'"),
        (#""thresholds": {"c": "high"}"#, "'thresholds.c' is a string, not a number"),
      ] {
        try "{\"schema\": \"clues/threshold/1\", \(text)}".write(
          to: folder.appending(path: "threshold.json"), atomically: true, encoding: .utf8)
        let result = try select("--with", "threshold.json")
        #expect(result.status == 65 && result.errors.hasPrefix("threshold.json: error: \(message)"), "\(result.errors)")
      }
      try "[]".write(to: folder.appending(path: "scores.origin.json"), atomically: true, encoding: .utf8)
      let result = try select("--threshold", "fixed", "-p", "value=0")
      #expect(
        result.status == 65 && result.errors.hasPrefix("scores.origin.json: error: does not record the origin"),
        "\(result.errors)")
    }
  }

  @Test func `a parameter on the command line means what it would in a recipe`() throws {
    try withTemporaryFolder { folder in
      #expect(try clues(["score", Self.tiny, "--scorer", "grand", "-o", "s.jsonl"], in: folder).status == 0)
      for number in ["010", "1_0", ".inf"] {
        let result = try clues(["select", "s.jsonl", "--threshold", "fixed", "-p", "value=\(number)"], in: folder)
        #expect(result.status == 78)
        #expect(result.errors.contains("'value' has a number in an unsupported notation"), "\(result.errors)")
      }
    }
  }

  @Test func `a client that stands in two places is refused`() throws {
    try withTemporaryFolder { folder in
      let lines = ["a", "b", "a"].enumerated().map {
        #"{"client": "\#($1)", "split": "train", "id": "\#($0)", "score": 1}"#
      }
      try lines.joined(separator: "\n").write(
        to: folder.appending(path: "scores.jsonl"), atomically: true, encoding: .utf8)
      let result = try clues(["select", "scores.jsonl", "--threshold", "fixed", "-p", "value=0"], in: folder)
      #expect(result.status == 65)
      #expect(result.errors.contains("client 'a': its samples are not contiguous"), "\(result.errors)")
    }
  }

  @Test func `a training folder is no output, even if forced`() throws {
    try withTemporaryFolder { folder in
      let training = folder.appending(path: "training")
      try FileManager.default.copyItem(atPath: Self.tiny, toPath: training.path)
      try FileManager.default.copyItem(
        atPath: Self.tiny + "/checkpoint-8/adapter_config.json", toPath: training.path + "/adapter_config.json")
      let before = try FileManager.default.subpathsOfDirectory(atPath: training.path)
      let result = try clues(
        ["merge", fixture("tiny/c1"), "--method", "average", "-o", "training", "--force"], in: folder)
      #expect(result.status == 73)
      #expect(try FileManager.default.subpathsOfDirectory(atPath: training.path) == before)
    }
  }

  @Test func `a folder with something called clues in it need not be a run`() throws {
    try withTemporaryFolder { folder in
      let home = folder.appending(path: "home")
      try FileManager.default.createDirectory(at: home.appending(path: "clues"), withIntermediateDirectories: true)
      try Data().write(to: home.appending(path: "diary"))
      let result = try clues(["merge", Self.tiny, "--method", "average", "-o", "home", "--force"], in: folder)
      #expect(result.status == 73)
      #expect(result.errors.contains("holds more than an adapter and is not a run"), "\(result.errors)")
      #expect(FileManager.default.fileExists(atPath: home.path + "/diary"))
    }
  }

  @Test func `a link stays, and what it leads to is replaced`() throws {
    try withTemporaryFolder { folder in
      let merge = ["merge", Self.tiny, "--method", "average", "-o"]
      #expect(try clues(merge + ["first", "-q"], in: folder).status == 0)
      let link = folder.appending(path: "latest").path
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "first")
      #expect(try clues(merge + ["latest", "--force", "--dtype", "float16"], in: folder).status == 0)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "first")
      let record = try String(contentsOf: folder.appending(path: "first/clues/run.json"), encoding: .utf8)
      #expect(record.contains("\"float16\""))
      try FileManager.default.removeItem(atPath: folder.path + "/first")
      let dangling = try clues(merge + ["latest"], in: folder)
      #expect(
        dangling.status == 73 && dangling.errors.contains("is a link whose target does not exist"), "\(dangling.errors)"
      )
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["latest"])
    }
  }

  @Test func `a folder is no standard input, and a signal ends who waits for it`() throws {
    try withTemporaryFolder { folder in
      func shell(_ command: String) throws -> CommandResult {
        try clues(["-c", command], in: folder, executable: "/bin/sh")
      }
      let read = try shell("'\(cluesExecutable)' select - < /")
      #expect(read.status == 66 && read.errors.hasPrefix("error: standard input cannot be read"), "\(read.errors)")
      // 124 says that the time was up, 137 that the first signal was not enough.
      let waiting = "mkfifo p; timeout -s INT -k 5 1 env --default-signal '\(cluesExecutable)' select - <> p"
      #expect(try shell(waiting).status == 124)
    }
  }

  @Test func `where nothing can be written is found out before the work`() throws {
    try withTemporaryFolder { folder in
      let score = ["score", Self.tiny, "--scorer", "grand", "--progress", "plain", "-o", "nowhere/scores.jsonl"]
      let scored = try clues(score, in: folder)
      #expect(scored.status == 73)
      #expect(
        scored.errors.hasPrefix("nowhere/scores.jsonl: error: cannot be written: No such file"), "\(scored.errors)")
      let merged = try clues(["merge", Self.tiny, "--method", "average", "-o", ""], in: folder)
      #expect(merged.status == 64 && merged.errors.hasPrefix("error: the output has no name"), "\(merged.errors)")
    }
  }

  @Test func `an input is no output`() throws {
    try withTemporaryFolder { folder in
      #expect(try clues(["merge", Self.tiny, "--method", "average", "-o", "first"], in: folder).status == 0)
      let result = try clues(["merge", "first", "--method", "average", "-o", "first", "--force"], in: folder)
      #expect(result.status == 73)
      #expect(result.errors.contains("the output would replace the input first"), "\(result.errors)")
    }
  }

  @Test func `a selection does not replace a run`() throws {
    try withTemporaryFolder { folder in
      let scored = ["score", Self.tiny, "--scorer", "clues", "-o", "scores.jsonl"]
      #expect(try clues(scored, in: folder).status == 0)
      #expect(try clues(["merge", Self.tiny, "--method", "average", "-o", "run"], in: folder).status == 0)
      let result = try clues(["select", "scores.jsonl", "-o", "run", "--force"], in: folder)
      #expect(result.status == 73)
      #expect(FileManager.default.fileExists(atPath: folder.path + "/run/adapter_model.safetensors"))
    }
  }

  @Test func `a result that is cut off is no success`() throws {
    try withTemporaryFolder { folder in
      for command in [
        "score '\(Self.tiny)' --scorer grand", "--version", "--version --verbose", "merge --help", "help run",
      ] {
        let result = try clues(
          ["-c", "'\(cluesExecutable)' \(command) > /dev/full"], in: folder, executable: "/bin/sh")
        #expect(result.status == 73, "\(command)")
        #expect(result.errors.contains("standard output cannot be written"), "\(result.errors)")
      }
    }
  }

  @Test func `a threshold is for the scores that it was decided with`() throws {
    try withTemporaryFolder { folder in
      for scorer in ["tracin", "grand"] {
        #expect(try clues(["score", Self.tiny, "--scorer", scorer, "-o", "\(scorer).jsonl"], in: folder).status == 0)
      }
      #expect(try clues(["select", "tracin.jsonl", "-o", "decided"], in: folder).status == 0)
      let foreign = try clues(["select", "grand.jsonl", "--with", "decided/clues/scores.jsonl"], in: folder)
      #expect(foreign.status == 65)
      #expect(foreign.errors.contains("help: give the threshold.json"), "\(foreign.errors)")
      let result = try clues(["select", "grand.jsonl", "--with", "decided/clues/threshold.json"], in: folder)
      #expect(result.status == 65)
      #expect(result.errors.contains("the scores are of grand 1.0.0"), "\(result.errors)")
      #expect(try clues(["select", "tracin.jsonl", "--with", "decided/clues/threshold.json"], in: folder).status == 0)
    }
  }

  @Test func `a pinned plugin is that one or none`() throws {
    try withWorkingCopy { folder in
      let pin = "plugins={ties: \(String(repeating: "0", count: 64))}"
      let result = try clues(["run", "recipes/ties.yaml", "--output", "out", "--set", pin], in: folder)
      #expect(result.status == 77)
      #expect(result.errors.contains("'ties' is pinned to 0000"), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/out"))
      let text = try String(contentsOf: folder.appending(path: "recipes/clues-calibrated.yaml"), encoding: .utf8)
      // Who only scores need not have what the operator merges with.
      for (id, status) in [("perplexity", 77), ("a-method-of-the-operator", 0)] as [(String, Int32)] {
        let pinned = text.replacing("../", with: "") + "plugins: {\(id): \(String(repeating: "0", count: 64))}\n"
        try pinned.write(to: folder.appending(path: "pinned.yaml"), atomically: true, encoding: .utf8)
        let scored = try clues(["score", "--recipe", "pinned.yaml", "-q"], in: folder)
        #expect(scored.status == status, "\(scored.errors)")
      }
      let unknown = "plugins={tie: \(String(repeating: "0", count: 64))}"
      #expect(try clues(["recipe", "check", "recipes/ties.yaml", "--set", unknown], in: folder).status == 69)
    }
  }

  @Test func `gradients of other samples at a later checkpoint are refused`() throws {
    try withTemporaryFolder { folder in
      for file in ["train", "validation.c0"] {
        let client = folder.appending(path: "c0")
        try? FileManager.default.removeItem(at: client)
        try FileManager.default.copyItem(atPath: Self.tiny, toPath: client.path)
        let gradients = client.path + "/checkpoint-8/gradients/"
        if file == "train" {
          try FileManager.default.removeItem(atPath: gradients + "train.safetensors")
          try FileManager.default.copyItem(
            atPath: gradients + "anchor.safetensors", toPath: gradients + "train.safetensors")
        } else {
          try FileManager.default.removeItem(atPath: gradients + "validation.c0.safetensors")
        }
        let result = try clues(["score", "c0", "--scorer", "clues"], in: folder)
        #expect(result.status == 65)
        let message =
          file == "train"
          ? "there are 3 gradients of the split 'train' instead of 16"
          : "lacks gradients/validation.c0.safetensors at checkpoint 8"
        #expect(result.errors.contains(message), "\(result.errors)")
      }
    }
  }
}
