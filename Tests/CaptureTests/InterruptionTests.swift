import Bundles
import Diagnostics
import Digests
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Capture

/// Captures that are stopped, and go on.
@Suite struct InterruptionTests {
  /// Lets so many questions pass and then stops the work.
  private final class Stop: Sendable {
    private let left: Atomic<Int>

    init(after questions: Int) { left = Atomic(questions) }

    func check() throws {
      if left.subtract(1, ordering: .relaxed).newValue < 0 { throw Interruption.failure }
    }
  }

  private func whole(_ client: TinyClient) throws -> String {
    let files = FileManager.default.enumerator(atPath: client.folder.path)?.compactMap { $0 as? String }.sorted() ?? []
    return try files.filter { $0.hasSuffix(".jsonl") || $0.contains("gradients/") }.map { name in
      name + ":" + (try Data(contentsOf: client.folder.appending(path: name)).base64EncodedString())
    }.joined(separator: "\n")
  }

  @Test(arguments: [false, true])
  func whereverItIsStoppedTheEvidenceIsTheSame(withGradients: Bool) throws {
    try withTemporaryFolder { root in
      let due = try TinyClient("c0", in: root.appending(path: "due"))
      var settings = due.settings
      settings.writesGradients = withGradients
      _ = try Capture(settings, observer: Listener()).run()
      let truth = try whole(due)
      var stops = 0
      for first in 0..<20 {
        let client = try TinyClient("c0", in: root.appending(path: "at\(first)"))
        settings = client.settings
        settings.writesGradients = withGradients
        var wait = first
        while true {
          var capture = Capture(settings, observer: Listener())
          let stop = Stop(after: wait)
          capture.interruption = { try stop.check() }
          do {
            let report = try capture.run()
            if stops > 0, first > 3 { #expect(report.checkpoints == [4, 8]) }
            break
          } catch let failure as Failure {
            #expect(failure.kind == .interrupted)
            #expect(!FileManager.default.fileExists(atPath: client.folder.appending(path: "ledger.jsonl").path))
            stops += 1
            wait += 2
          }
        }
        #expect(try whole(client) == truth)
        #expect(!FileManager.default.fileExists(atPath: client.folder.appending(path: ".clues-capture").path))
      }
      #expect(stops > 10)
    }
  }

  @Test func finishedCheckpointsAreNotMeasuredAgainAndItSaysSo() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      try interruptAfterTheFirstCheckpoint(client.settings)
      let listener = Listener()
      let report = try Capture(client.settings, observer: listener).run()
      #expect(report.resumed == [4])
      #expect(listener.total == 19 + 8 && listener.done == listener.total)
      let words = "continues an interrupted capture, which had finished the checkpoints 4"
      #expect(listener.notes.contains { $0.contains(words) }, "\(listener.notes)")
    }
  }

  @Test func progressComesPackByPackAndSoDoesTheEnd() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      let ids = (0..<60).map { 5 + $0 % 40 }
      let labels = ids.enumerated().map { $0 < 30 ? -100 : $1 }
      let line = #"{"input_ids": \#(ids), "labels": \#(labels)}"#
      try client.text(String(repeating: line + "\n", count: 40), to: "c0.train.jsonl")
      let listener = Listener()
      _ = try Capture(client.settings, observer: listener).run()
      // Two such samples are a pack; there are three passes over forty of them.
      #expect(listener.done == listener.total && listener.advances >= 3 * 20)
      var settings = client.settings
      settings.replaces = true
      let (stop, stopped) = (Stop(after: 7), Listener())
      var capture = Capture(settings, observer: stopped)
      capture.interruption = { try stop.check() }
      let failure = try failure { try capture.run() }
      #expect(failure.kind == .interrupted && stopped.advances == 8)
    }
  }

  @Test func otherInputsStartAnewAndItSaysSo() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      try interruptAfterTheFirstCheckpoint(client.settings)
      let lines = try String(contentsOfFile: client.path("c0.train.jsonl"), encoding: .utf8).split(separator: "\n")
      try client.text(lines.dropLast().joined(separator: "\n"), to: "c0.train.jsonl")
      let listener = Listener()
      let report = try Capture(client.settings, observer: listener).run()
      #expect(report.resumed.isEmpty && listener.total == 18 + 2 * (18 + 8))
      #expect(listener.notes.contains { $0.contains("other inputs or settings") })
    }
  }

  @Test func aPartThatIsNotWholeIsMeasuredAgain() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      try interruptAfterTheFirstCheckpoint(client.settings)
      let kept = client.folder.appending(path: ".clues-capture")
      for name in try FileManager.default.contentsOfDirectory(atPath: kept.path) {
        let file = kept.appending(path: name)
        try Data(try Data(contentsOf: file).dropLast(5)).write(to: file)
      }
      #expect(try Capture(client.settings, observer: Listener()).run().resumed.isEmpty)
    }
  }

  /// A capture that is killed while it clears up has finished; one that is killed before has evidence of another ledger.
  @Test(arguments: [true, false]) func whoHasWrittenAllOnlyClearsUp(isWritten: Bool) throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      let settings = client.settings
      _ = try Capture(settings, observer: Listener()).run()
      let ledger = try client.read("ledger.jsonl")
      let base = try BaseModel(settings.base, limits: settings.limits)
      let samples = try CaptureSamples(settings, tokenizer: base.tokenizer, base.facts, domain: "c0")
      let checkpoints = try Bundles.Bundle.open(
        settings.client, wanting: [.adapter, .adapters, .trainerStates, .optimizers], adapter: nil,
        limits: settings.limits
      ).checkpoints
      let keys = try CaptureKeys(settings, base, samples, try checkpoints.map { try CheckpointInputs($0) })
      try KeptParts(client.folder.path + "/.clues-capture").keep(
        [isWritten ? sha256(of: ledger) : "another"], as: keys.commit)
      let listener = Listener()
      let report = try Capture(settings, observer: listener).run()
      #expect(report.resumed == (isWritten ? [4, 8] : []) && report.checkpoints == [4, 8])
      #expect((listener.total == 0) == isWritten)
      #expect(try client.read("ledger.jsonl") == ledger)
      #expect(!FileManager.default.fileExists(atPath: client.folder.path + "/.clues-capture"))
    }
  }

  @Test func twoCapturesOfOneFolderDoNotMix() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      let other = try KeptParts(client.folder.appending(path: ".clues-capture").path)
      let failure = try failure { try Capture(client.settings, observer: Listener()).run() }
      #expect(failure.kind == .cannotWrite && failure.message.contains("another capture is using this folder"))
      withExtendedLifetime(other) {}
    }
  }

  private func interruptAfterTheFirstCheckpoint(_ settings: CaptureSettings) throws {
    var capture = Capture(settings, observer: Listener())
    capture.interruption = {
      let kept = try FileManager.default.contentsOfDirectory(atPath: settings.client + "/.clues-capture")
      if kept.contains(where: { $0.hasPrefix("checkpoint-4-") }) { throw Interruption.failure }
    }
    let failure = try failure { try capture.run() }
    #expect(failure.kind == .interrupted)
  }
}
