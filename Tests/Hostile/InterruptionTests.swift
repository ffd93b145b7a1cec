import Foundation
import TestSupport
import Testing

/// Whoever reads an archive that takes minutes can be stopped at any moment, and leaves nothing.
@Suite(.serialized) struct InterruptionTests {
  private static let limits = ["ratio=1000000000", "total_size=1000TiB", "entry_size=1000TiB"].flatMap {
    ["--limit", $0]
  }

  @Test(.timeLimit(.minutes(3))) func slowArchivesAreLeftAtOnce() throws {
    try withTemporaryFolder { folder in
      let names = try SlowArchives.write(to: folder)
      let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      for name in names {
        let commands = [
          ["merge", name, "--method", "average", "-o", "out"], ["pack", name, "-o", "out.tar"],
          ["score", name, "--scorer", "trajectory"],
        ]
        let processes = try commands.map { try start($0 + Self.limits, in: folder) }
        Thread.sleep(forTimeInterval: 1.5)
        // Members without content take little time even by the million; a quick machine is done with some of them.
        let mayBeOver = name.hasPrefix("empty")
        for (process, command) in zip(processes, commands) where !mayBeOver {
          #expect(process.isRunning, "\(command) was over before it was interrupted")
        }
        let signalled = ContinuousClock.now
        for process in processes { kill(process.processIdentifier, SIGINT) }
        for process in processes { process.waitUntilExit() }
        let time = ContinuousClock.now - signalled
        for process in processes {
          #expect(process.terminationStatus == 130 || mayBeOver && process.terminationStatus == 65, "\(name)")
        }
        #expect(time < .seconds(2), "\(name) took \(time)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == before)
    }
  }

  private func start(_ arguments: [String], in folder: URL) throws -> Process {
    try TestSupport.start(
      cluesExecutable, arguments, in: folder, environment: ["HOME": folder.path, "TMPDIR": folder.path])
  }

  /// A header without end is no matter of minutes.
  @Test func aHeaderWithoutEndIsRefusedAtOnce() throws {
    try withTemporaryFolder { folder in
      let name = [0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 3] + [UInt8](repeating: 0x61, count: 64 << 20)
      let path = try folder.file("name.tar.gz", name)
      let time = try ContinuousClock().measure {
        let result = try clues(["inspect", path], in: folder)
        #expect(result.status == 65)
        #expect(result.errors.contains("its header does not end"), "\(result.errors)")
      }
      #expect(time < .seconds(5))
    }
  }
}
