import Foundation
import TestSupport
import Testing

/// Captures that are killed at random moments, and go on.
///
/// `CLUES_CAPTURE_KILLS=50` makes a long trial of it.
@Suite struct CaptureKillTests {
  @Test(.timeLimit(.minutes(30))) func `however often a capture is killed, the ledger is the same to the byte`() throws
  {
    let kills = ProcessInfo.processInfo.environment["CLUES_CAPTURE_KILLS"].flatMap { Int($0) } ?? 6
    var chance = SplitMix64(seed: 17)
    for withGradients in [false, true] {
      let clock = ContinuousClock()
      var whole: [String: Data] = [:]
      let time = try withTemporaryFolder { folder in
        try CaptureCommandTests.makeClient(in: folder)
        let start = clock.now
        let isFinished = try finished(capture(in: folder, withGradients))
        #expect(isFinished)
        whole = try evidence(in: folder)
        return clock.now - start
      }
      #expect(whole.count == (withGradients ? 8 : 2))
      var killed = 0
      while killed < (kills + 1) / 2 {
        try withTemporaryFolder { folder in
          try CaptureCommandTests.makeClient(in: folder)
          while true {
            let process = try capture(in: folder, withGradients)
            // As often after the end as it takes for the trial to end.
            Thread.sleep(forTimeInterval: (time / .seconds(1)) * Double.random(in: 0...1.2, using: &chance))
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
            if try finished(process) { break }
            killed += 1
            // The ledger is written last: where there is one, all is there.
            guard FileManager.default.fileExists(atPath: folder.path + "/outputs/c0/ledger.jsonl") else { continue }
            #expect(try evidence(in: folder) == whole)
            // Where no part is kept any more, it was killed at its very end: a further capture has nothing to go on with.
            let parts = try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/outputs/c0/.clues-capture")
            guard parts?.isEmpty ?? true else { continue }
            let again = try capture(in: folder, withGradients)
            again.waitUntilExit()
            #expect(again.terminationReason == .exit && again.terminationStatus == 73)
            break
          }
          #expect(try evidence(in: folder) == whole)
          let left = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/outputs/c0")
          #expect(!left.contains { $0.hasPrefix(".") }, "\(left)")
        }
      }
    }
  }

  private func capture(in folder: URL, _ withGradients: Bool) throws -> Process {
    try start(
      cluesExecutable,
      ["capture", "outputs/c0", "--base", fixture("tiny/base"), "--train", "train.jsonl", "--anchor", "anchor.jsonl"]
        + ["--validation", "c0=validation.jsonl", "--quiet"] + (withGradients ? ["--gradients"] : []),
      in: folder, environment: ["HOME": folder.path, "TMPDIR": folder.path])
  }

  /// Waits for a capture, and says whether it came to its end; else it must have been killed.
  private func finished(_ process: Process) throws -> Bool {
    process.waitUntilExit()
    if process.terminationReason == .exit {
      #expect(process.terminationStatus == 0)
      return true
    }
    #expect(process.terminationStatus == SIGKILL)
    return false
  }

  /// The files that a capture writes, by path.
  private func evidence(in folder: URL) throws -> [String: Data] {
    let client = folder.appending(path: "outputs/c0")
    let names = FileManager.default.enumerator(atPath: client.path)?.compactMap { $0 as? String } ?? []
    let written = names.filter { !$0.hasPrefix(".") && ($0.hasSuffix(".jsonl") || $0.contains("gradients/")) }
    return try Dictionary(
      uniqueKeysWithValues: written.map { ($0, try Data(contentsOf: client.appending(path: $0))) })
  }
}
