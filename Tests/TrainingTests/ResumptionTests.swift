import Diagnostics
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Training

/// Trainings that are stopped, and go on.
@Suite struct ResumptionTests {
  /// Lets so many questions pass and then stops the work.
  private final class Stop: Sendable {
    private let left: Atomic<Int>

    init(after questions: Int) { left = Atomic(questions) }

    func check() throws {
      if left.subtract(1, ordering: .relaxed).newValue < 0 { throw Interruption.failure }
    }
  }

  private func settings(_ root: URL, _ name: String) -> TrainingSettings {
    var settings = llama(in: root, name)
    settings.initial = nil
    (settings.targets, settings.dropout, settings.order) = (["q_proj", "o_proj", "down_proj", "up_proj"], 0.2, .random)
    (settings.saveSteps, settings.learningRate) = (3, 1e-2)
    return settings
  }

  @Test func whereverItIsStoppedTheFilesAreTheSame() throws {
    try withTemporaryFolder { root in
      let due = settings(root, "due")
      let report = try Trainer(due, observer: Listener()).run()
      #expect(report.checkpoints == [3, 6, 9, 10] && report.resumedFrom == nil)
      let truth = try tree(due.output)
      #expect(truth.count == 4 * 6 + 2)
      var resumed = 0
      for first in stride(from: 0, to: 40, by: 3) {
        let settings = settings(root, "at\(first)")
        var wait = first
        while true {
          var trainer = Trainer(settings, observer: Listener())
          let stop = Stop(after: wait)
          trainer.interruption = { try stop.check() }
          do {
            let report = try trainer.run()
            if report.resumedFrom != nil { resumed += 1 }
            break
          } catch let failure as Failure {
            #expect(failure.kind == .interrupted && failure.message.contains("interrupted in step"), "\(failure)")
            wait += 7
          }
        }
        #expect(try tree(settings.output) == truth, "stopped after \(first) questions")
      }
      #expect(resumed > 5)
    }
  }

  @Test func anyNumberOfThreadsMakesTheSameFiles() throws {
    try withTemporaryFolder { root in
      var trees: [[String: Data]] = []
      for threads in [1, 2, 5] {
        var settings = settings(root, "t\(threads)")
        settings.data.threads = threads
        (settings.batch, settings.accumulation) = (5, 2)
        _ = try Trainer(settings, observer: Listener()).run()
        trees.append(try tree(settings.output))
      }
      #expect(trees[0] == trees[1] && trees[0] == trees[2])
    }
  }

  @Test func checkpointedActivationsMakeTheSameFiles() throws {
    try withTemporaryFolder { root in
      var trees: [[String: Data]] = []
      for checkpoints in [false, true] {
        var settings = settings(root, "c\(checkpoints)")
        settings.checkpointsActivations = checkpoints
        let report = try Trainer(settings, observer: Listener()).run()
        #expect(report.notes.contains { $0.contains("checkpointed") } == checkpoints)
        trees.append(try tree(settings.output))
      }
      #expect(trees[0] == trees[1])
    }
  }

  @Test func itSaysThatItGoesOnAndThatAllIsDone() throws {
    try withTemporaryFolder { root in
      let settings = settings(root, "out")
      var trainer = Trainer(settings, observer: Listener())
      let stop = Stop(after: 9)
      trainer.interruption = { try stop.check() }
      let failure = try failure { try trainer.run() }
      #expect(failure.message.contains("checkpoint-3 stands"), "\(failure)")
      #expect(failure.advice?.contains("same command") == true)
      let listener = Listener()
      let report = try Trainer(settings, observer: listener).run()
      #expect(report.resumedFrom == 3 && listener.total == 7 && listener.done == 7)
      #expect(listener.notes.contains { $0.contains("goes on from checkpoint-3") })
      #expect(listener.figures.map(\.key) == ["loss", "tokens_per_second"])
      let again = Listener()
      let done = try Trainer(settings, observer: again).run()
      #expect(done.resumedFrom == 10 && done.checkpoints == [3, 6, 9, 10] && again.done == 0)
      #expect(again.notes.contains { $0.contains("trained already") })
      #expect(done.firstLoss == report.firstLoss && done.epochLoss == report.epochLoss)
    }
  }

  @Test(arguments: [
    "seed", "steps", "batch", "learning rate", "adapter", "dropout", "samples", "order", "steps between checkpoints",
    "base model",
  ])
  func otherSettingsAreRefusedByName(_ name: String) throws {
    try withTemporaryFolder { root in
      _ = try Trainer(settings(root, "out"), observer: Listener()).run()
      let before = try tree(root.path)
      var other = settings(root, "out")
      switch name {
      case "seed": other.seed = 43
      case "steps": other.length = .steps(11)
      case "batch": other.batch = 3
      case "learning rate": other.learningRate = 2e-2
      case "adapter": other.rank = 5
      case "dropout": other.dropout = 0.1
      case "samples": other.data.loss = .all
      case "order": other.order = .sequential
      case "steps between checkpoints": other.saveSteps = 4
      default: other.data.base = fixture("training/qwen2/base")
      }
      let failure = try failure { try Trainer(other, observer: Listener()).run() }
      // The first factors and the config of the adapter change with more than one of them.
      let names = ["seed": ["first factors"], "dropout": ["adapter"]][name, default: [name]]
      #expect(failure.kind == .cannotWrite && names.contains { failure.message.contains("'\($0)'") }, "\(failure)")
      #expect(try tree(root.path) == before)
    }
  }

  @Test func foldersOfOthersAreLeftAlone() throws {
    try withTemporaryFolder { root in
      let settings = settings(root, "out")
      let files = FileManager.default
      try files.createDirectory(atPath: settings.output, withIntermediateDirectories: true)
      try files.copyItem(atPath: fixture("tiny/c0/checkpoint-4"), toPath: settings.output + "/checkpoint-4")
      expectFailure(.cannotWrite, "clues train did not write") { try Trainer(settings, observer: Listener()).run() }
      try files.removeItem(atPath: settings.output + "/checkpoint-4")
      try files.copyItem(
        atPath: fixture("training/llama/start/adapter_config.json"), toPath: settings.output + "/adapter_config.json")
      expectFailure(.cannotWrite, "an adapter without checkpoints of this training exists already") {
        try Trainer(settings, observer: Listener()).run()
      }
    }
  }

  @Test func aFolderThatNoClientCanBeCalledIsRefusedBeforeAnyWork() throws {
    try withTemporaryFolder { root in
      expectFailure(.usage, "client") { try Trainer(settings(root, "a\u{7}b"), observer: Listener()).run() }
      let left = try tree(root.path)
      #expect(left.isEmpty)
    }
  }

  @Test func twoTrainingsOfOneFolderDoNotMix() throws {
    try withTemporaryFolder { root in
      let settings = settings(root, "out")
      let other = try TrainingFolder(settings.output)
      expectFailure(.cannotWrite, "another training is at work") { try Trainer(settings, observer: Listener()).run() }
      withExtendedLifetime(other) {}
    }
  }

  @Test func aDamagedCheckpointIsNoStart() throws {
    try withTemporaryFolder { root in
      let settings = settings(root, "out")
      _ = try Trainer(settings, observer: Listener()).run()
      let file = URL(filePath: settings.output + "/checkpoint-10/optimizer.pt")
      var bytes = try Data(contentsOf: file)
      bytes[bytes.count / 2] ^= 0x40
      try bytes.write(to: file)
      let failure = try failure { try Trainer(settings, observer: Listener()).run() }
      #expect(failure.kind == .badData && failure.file?.hasSuffix("optimizer.pt") == true, "\(failure)")
    }
  }
}
