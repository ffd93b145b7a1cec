import Foundation
import JSON
import TestSupport
import Testing

/// `clues experiment` as a user types it, killed at random moments.
@Suite struct ExperimentCommandTests {
  private func tables(_ folder: URL) throws -> [Data] {
    try ["json", "csv", "html"].map { try Data(contentsOf: folder.appending(path: "runs/e/experiment.\($0)")) }
  }

  @Test(.timeLimit(.minutes(10))) func `however often it is killed, the tables are the same to the byte`() throws {
    try withTemporaryFolder { folder in
      try writeExperiment(into: folder)
      let plan = try clues(["experiment", "e.yaml", "--dry-run"], in: folder)
      #expect(plan.status == 0 && plan.output.contains("corrupt: 2\ntrain: "), "\(plan.output)\(plan.errors)")
      let clock = ContinuousClock()
      let start = clock.now
      let whole = try clues(["experiment", "e.yaml", "--progress", "plain"], in: folder)
      let time = (clock.now - start) / .seconds(1)
      #expect(whole.status == 0, "\(whole.errors)")
      #expect(whole.output.contains("won back") && whole.output.contains("runs/e/experiment.html"))
      #expect(whole.errors.contains("experimenting: ") && whole.errors.contains("train a on 10 samples"))
      let due = try tables(folder)
      try FileManager.default.removeItem(at: folder.appending(path: "runs"))
      var kills = 0
      while kills < 40 {
        let process = try begin(folder)
        // Later each time, so that it comes to an end.
        Thread.sleep(forTimeInterval: time * (0.1 + 0.07 * Double(kills)))
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        if process.terminationReason == .exit {
          #expect(process.terminationStatus == 0)
          break
        }
        kills += 1
      }
      #expect(kills > 0 && kills < 40)
      #expect(try tables(folder) == due)
      let json = try clues(["experiment", "e.yaml", "--json", "-q"], in: folder)
      #expect(try JSONReader().read(json.output).objectValue?["schema"] == "clues/experiment/1")
      #expect(try JSONReader().read(json.output).objectValue?["examples"]?.arrayValue?.count == 2)
    }
  }

  private func begin(_ folder: URL) throws -> Process {
    try TestSupport.start(
      cluesExecutable, ["experiment", "e.yaml", "-q"], in: folder,
      environment: ["HOME": folder.path, "TMPDIR": folder.path, "PATH": "/usr/bin:/bin"])
  }

  @Test func `what cannot be meant is refused`() throws {
    try withTemporaryFolder { folder in
      try writeExperiment(into: folder)
      for (more, status, words) in [
        (["--jobs", "0"], Int32(64), "--jobs"), (["--set", "training.lr=1"], 78, "learning_rate"),
        (["--set", "base=absent.gguf"], 66, "absent.gguf"), (["--set", "arms.0.keep=good"], 78, "clean"),
      ] {
        let result = try clues(["experiment", "e.yaml"] + more, in: folder)
        #expect(result.status == status && result.errors.contains(words), "\(result.status) \(result.errors)")
      }
      #expect(try clues(["experiment", "absent.yaml"], in: folder).status == 66)
    }
  }
}

/// An experiment on the tiny models, e.yaml, with its data.
func writeExperiment(into folder: URL, seeds: String = "[1]", examples: Int = 1) throws {
  for (client, verb) in [("a", "likes"), ("b", "sees")] {
    var lines = (0..<24).map { number in
      "{\"prompt\": \"Who \(verb) \(number)?\", "
        + "\"completion\": \" Number \(number) \(verb) the number \(number * 7 % 24) there.\"}\n"
    }
    for (name, count) in [("train", 10), ("anchor", 5), ("validation", 3), ("test", 6)] {
      try folder.fill(["\(client)-\(name).jsonl": lines.prefix(count).joined()])
      lines.removeFirst(count)
    }
  }
  let clients = ["a", "b"].map {
    "{name: \($0), train: \($0)-train.jsonl, anchor: \($0)-anchor.jsonl, validation: \($0)-validation.jsonl, "
      + "test: \($0)-test.jsonl}"
  }
  try folder.fill([
    "e.yaml": """
    base: \(fixture("capture/base"))
    clients: [\(clients.joined(separator: ", "))]
    training: {steps: 4, batch: 4, rank: 2, save_steps: 2, learning_rate: 0.01, dropout: 0.1}
    corruption: {shares: [0.5], kinds: [shuffle, generic]}
    arms:
      - {name: all, keep: all}
      - {name: oracle, keep: clean}
      - {name: loss, score: {scorer: loss}, select: {threshold: anchor-sigma}}
      - {name: datainf, score: {scorer: datainf}, select: {threshold: anchor-sigma}}
    thresholds: [{threshold: otsu}]
    merges: [{name: mean, merge: {method: average}}]
    seeds: \(seeds)
    measure: {draws: 50, examples: \(examples), answer_tokens: 2}
    """
  ])
}
