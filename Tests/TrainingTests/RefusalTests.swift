import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import Training

/// What is not trained, and how it is said.
@Suite struct RefusalTests {
  @Test(arguments: [
    ("batch", "a batch"), ("rate", "learning rate"), ("dropout", "dropout"), ("steps", "at least one step"),
    ("epochs", "epochs"), ("beta", "betas"), ("clip", "clipped"), ("warmup", "warm-up"),
    ("rank", "adapter that is gone on"),
  ])
  func numbersThatNoTrainingHas(_ what: String, _ words: String) throws {
    try withTemporaryFolder { root in
      var settings = llama(in: root)
      switch what {
      case "batch": settings.batch = 0
      case "rate": settings.learningRate = .nan
      case "dropout": settings.dropout = 1
      case "steps": settings.length = .steps(0)
      case "epochs": settings.length = .epochs(-1)
      case "beta": settings.beta2 = 1
      case "clip": settings.clip = -1
      case "warmup": settings.warmup = -0.5
      default: settings.rank = 4
      }
      expectFailure(.usage, words) { try Trainer(settings, observer: Listener()).run() }
      let left = try tree(root.path)
      #expect(left.isEmpty)
    }
  }

  @Test func samplesAreRefusedWithFileAndLine() throws {
    try withTemporaryFolder { root in
      var settings = llama(in: root)
      let file = root.appending(path: "bad.jsonl").path
      try "{\"input_ids\":[1,2],\"labels\":[1,2]}\n{\"input_ids\":[1,999],\"labels\":[1,999]}\n".write(
        toFile: file, atomically: true, encoding: .utf8)
      settings.data.train = [file]
      let failure = try failure { try Trainer(settings, observer: Listener()).run() }
      #expect(failure.kind == .badData && failure.file == file && failure.position?.line == 2, "\(failure)")
      // Two files whose samples have the same names.
      settings.data.train = [fixture("training/data.jsonl"), fixture("training/data.jsonl")]
      expectFailure(.badData, "has the same id 's0'") { try Trainer(settings, observer: Listener()).run() }
    }
  }

  @Test func samplesWithoutAnythingToLearnAreLeftOutAndItIsSaid() throws {
    try withTemporaryFolder { root in
      var settings = llama(in: root)
      let file = root.appending(path: "some.jsonl").path
      try "{\"input_ids\":[1,2],\"labels\":[1,2]}\n{\"input_ids\":[1,3],\"labels\":[-100,-100]}\n".write(
        toFile: file, atomically: true, encoding: .utf8)
      settings.data.train = [file]
      let listener = Listener()
      let report = try Trainer(settings, observer: listener).run()
      #expect(report.samples == 1 && report.leftOut.map(\.line) == [2])
      #expect(listener.notes.contains { $0.contains("1 of 2 samples are not trained on") }, "\(listener.notes)")
    }
  }

  @Test func keptIdsAloneAreTrainedOn() throws {
    try withTemporaryFolder { root in
      var settings = llama(in: root)
      let ids = root.appending(path: "ids.txt").path
      try "s7\ns2\n\n".write(toFile: ids, atomically: true, encoding: .utf8)
      settings.data.keep = ids
      #expect(try Trainer(settings, observer: Listener()).run().samples == 2)
      // As editors on Windows write it, and without an end.
      try withTemporaryFolder { root in
        var settings = llama(in: root)
        settings.data.keep = root.appending(path: "ids.txt").path
        try Data("s7\r\ns2\r\ns3".utf8).write(to: root.appending(path: "ids.txt"))
        #expect(try Trainer(settings, observer: Listener()).run().samples == 3)
      }
      for (text, words, line) in [("s1\nx\n", "'x'", 2), ("s1\ns1\n", "of line 1", 2), ("\n", "no ids", nil)] {
        try text.write(toFile: ids, atomically: true, encoding: .utf8)
        let failure = try failure { try Trainer(settings, observer: Listener()).run() }
        #expect(failure.kind == .badData && failure.message.contains(words) && failure.position?.line == line)
        #expect(failure.file == ids)
      }
    }
  }

  @Test func aTrainingThatDivergesStopsWithItsStepAndKeepsItsCheckpoints() throws {
    try withTemporaryFolder { root in
      var settings = llama(in: root)
      (settings.learningRate, settings.warmup, settings.saveSteps, settings.schedule) = (3e18, 0, 1, .constant)
      let failure = try failure { try Trainer(settings, observer: Listener()).run() }
      #expect(failure.kind == .badData && failure.message.contains("in step"), "\(failure)")
      #expect(failure.advice?.contains("--learning-rate") == true && failure.advice?.contains("checkpoint-") == true)
      #expect(try tree(settings.output).keys.contains("checkpoint-1/optimizer.pt"))
      #expect(try !tree(settings.output).keys.contains("adapter_model.safetensors"))
    }
  }
}
