import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Files
@testable import Runs

/// Runs that write to one place at the same time do not take each other's drafts.
@Suite(.serialized) struct ConcurrentRunTests {
  /// Makes drafts of one output in many threads at once; each cleans up before it makes its own.
  @Test(arguments: [true, false]) func draftsAreNotTakenFromThoseWhoMakeThem(_ isFolder: Bool) throws {
    try withTemporaryFolder { folder throws in
      let output = folder.appending(path: "out").path
      let failures = FailureList()
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        for _ in 0..<150 {
          do {
            let draft = try Draft(of: output, isFolder: isFolder)
            // Somebody cleans up between any two steps.
            try removeAbandonedDrafts(of: output)
            var status = stat()
            if lstat(draft.path, &status) != 0 { failures.add("\(draft.path) was taken while it was locked") }
            if isFolder { rmdir(draft.path) } else { unlink(draft.path) }
          } catch {
            failures.add("\(error)")
          }
        }
      }
      #expect(failures.all.isEmpty, "\(failures.all.prefix(3))")
      try removeAbandonedDrafts(of: output)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  /// Results that replace each other: each run ends well, and what stands there is one of them, whole.
  @Test func resultsReplaceEachOther() throws {
    try withTemporaryFolder { folder throws in
      let path = folder.appending(path: "out").path
      let failures = FailureList()
      DispatchQueue.concurrentPerform(iterations: 8) { writer in
        for round in 0..<20 {
          do {
            let output = try OutputFolder(path, replacing: true)
            let text = "\(writer) \(round)"
            try output.write(text, to: "adapter_config.json")
            try output.write(text, to: "clues/run.json")
            try output.commit()
          } catch {
            failures.add("\(error)")
          }
        }
      }
      #expect(failures.all.isEmpty, "\(failures.all.prefix(3))")
      let texts = try ["adapter_config.json", "clues/run.json"].map {
        try String(contentsOfFile: "\(path)/\($0)", encoding: .utf8)
      }
      #expect(texts[0] == texts[1])
      try removeAbandonedDrafts(of: path)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    }
  }

  /// Without leave to replace, one wins, and the others are told that the place is taken.
  @Test func onlyOneTakesAFreeName() throws {
    try withTemporaryFolder { folder throws in
      let path = folder.appending(path: "out").path
      let failures = FailureList()
      let outputs = try (0..<8).map { _ in try OutputFolder(path, replacing: false) }
      DispatchQueue.concurrentPerform(iterations: 8) { writer in
        do {
          try outputs[writer].write("\(writer)", to: "adapter_config.json")
          try outputs[writer].commit()
        } catch let failure as Failure {
          failures.add(failure.message)
          outputs[writer].abandon()
        } catch {
          failures.add("\(error)")
        }
      }
      #expect(failures.all == [String](repeating: "the output folder exists already", count: 7))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    }
  }

  /// The whole program, as an operator's script starts it.
  @Test(.timeLimit(.minutes(3))) func manyRunsInOneFolder() throws {
    try withTemporaryFolder { folder throws in
      let failures = FailureList()
      #expect(
        try clues(["score", fixture("tiny/c0"), "--scorer", "grand", "-q", "-o", "scores.jsonl"], in: folder).status
          == 0)
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        for _ in 0..<10 {
          do {
            let result = try clues(
              ["select", "scores.jsonl", "-o", "out", "--force", "-q"], in: folder)
            if result.status != 0 { failures.add(result.errors) }
          } catch {
            failures.add("\(error)")
          }
        }
      }
      #expect(failures.all.isEmpty, "\(failures.all.prefix(3))")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
          == ["out", "scores.jsonl", "scores.origin.json"])
    }
  }

  /// A result that stands is no failure because nobody could be told of it.
  @Test func whatStandsIsNoFailure() throws {
    try withTemporaryFolder { folder throws in
      let command = "\(cluesExecutable) merge \(fixture("tiny/c0")) \(fixture("tiny/c1")) --method average -o out"
      for rest in ["> /dev/full", "--json --force > /dev/full", "--json --force -q > /dev/full"] {
        let result = try clues(["-c", command + " " + rest], in: folder, executable: "/bin/sh")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("the result itself is complete and in place"), "\(result.errors)")
        #expect(FileManager.default.fileExists(atPath: folder.appending(path: "out/adapter_model.safetensors").path))
      }
      // Where standard output is the result, it is one.
      let scores = "\(cluesExecutable) score \(fixture("tiny/c0")) --scorer grand -q > /dev/full"
      #expect(try clues(["-c", scores], in: folder, executable: "/bin/sh").status == 73)
    }
  }
}

/// What went wrong in any thread.
private final class FailureList: @unchecked Sendable {
  private let lock = NSLock()
  private var list: [String] = []

  var all: [String] { lock.withLock { list } }

  func add(_ text: String) { lock.withLock { list.append(text) } }
}
