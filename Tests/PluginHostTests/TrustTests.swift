import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import PluginHost

/// Who may run at all.
@Suite struct TrustTests {
  /// A folder with a marked plugin in it.
  func withStranger(_ body: (_ folder: URL, _ path: String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "rogue.so").path
      try Compiler.clang.compilePlugin(fixture("plugins/rogue.c"), to: path)
      try mark(path)
      try body(folder, path)
    }
  }

  func store(_ folder: URL) throws -> TrustStore { try TrustStore(environment: ["XDG_CONFIG_HOME": folder.path]) }

  func trust(_ path: String, in folder: URL) throws {
    var store = try store(folder)
    let candidate = try UntrustedLibrary(path: path, trust: store)
    try store.trust(.init(sha256: candidate.digest, path: path, library: "rogue", version: "1.0.0"))
  }

  /// Throws why the library at `path` does not run.
  func refusal(_ path: String, in folder: URL) throws {
    let candidate = try UntrustedLibrary(path: path, trust: store(folder))
    for isolation in [Isolation.process(workerSettings()), .none] {
      _ = try candidate.library(isolation: isolation).mergeMethods[0].instance()
    }
  }

  @Test func nobodyIsTrustedAtFirst() throws {
    try withStranger { folder, path in
      let candidate = try UntrustedLibrary(path: path, trust: store(folder))
      #expect(candidate.trustStatus == .untrusted)
      let library = try candidate.library(isolation: .process(workerSettings()))
      #expect(library.entries.map(\.id) == ["rogue"])
      let failure = #expect(throws: Failure.self) { try library.mergeMethods[0].instance() }
      #expect(failure?.kind == .untrustedPlugin)
      #expect(failure?.message.contains(candidate.digest) == true)
      #expect(failure?.advice?.contains("clues plugins trust \(path)") == true)
      // In the same process neither.
      expectFailure(.untrustedPlugin, candidate.digest) {
        try candidate.library(isolation: .none).mergeMethods[0].instance()
      }
    }
  }

  @Test func whoIsTrustedRuns() throws {
    try withStranger { folder, path in
      try trust(path, in: folder)
      let candidate = try UntrustedLibrary(path: path, trust: store(folder))
      #expect(candidate.trustStatus == .trusted)
      for isolation in [Isolation.process(workerSettings()), .none] {
        let library = try candidate.library(isolation: isolation)
        #expect(try library.mergeMethods[0].merge([[1]], rows: 1, columns: 1) == [1])
      }
    }
  }

  @Test func aFileThatChangedIsAnotherOne() throws {
    try withStranger { folder, path in
      try trust(path, in: folder)
      let before = try UntrustedLibrary(path: path, trust: store(folder)).digest
      let file = try FileHandle(forWritingTo: URL(filePath: path))
      try file.seekToEnd()
      try file.write(contentsOf: Data([0]))
      try file.close()
      let candidate = try UntrustedLibrary(path: path, trust: store(folder))
      #expect(candidate.trustStatus == .changed(from: before))
      let failure = #expect(throws: Failure.self) {
        try candidate.library(isolation: .process(workerSettings())).mergeMethods[0].instance()
      }
      #expect(failure?.kind == .untrustedPlugin)
      #expect(
        failure?.message
          == "has changed since it was trusted: its SHA-256 was \(before) and is \(candidate.digest)")
    }
  }

  @Test func whatWasDigestedIsWhatRuns() throws {
    try withStranger { folder, path in
      try trust(path, in: folder)
      let candidate = try UntrustedLibrary(path: path, trust: store(folder))
      let library = try candidate.library(isolation: .process(workerSettings()))
      // Between the check and the first call somebody puts another file there.
      try Data("another file".utf8).write(to: URL(filePath: path))
      #expect(try library.mergeMethods[0].merge([[1]], rows: 1, columns: 1) == [1])
    }
  }

  @Test(arguments: [0o666, 0o622, 0o775]) func aFileThatOthersCanWriteIsRefused(_ mode: Int) throws {
    try withStranger { folder, path in
      try trust(path, in: folder)
      #expect(chmod(path, mode_t(mode)) == 0)
      let failure = #expect(throws: Failure.self) { try refusal(path, in: folder) }
      #expect(failure?.kind == .untrustedPlugin)
      #expect(failure?.message == "its file can be written by others (mode \(String(mode, radix: 8)))")
    }
  }

  @Test func aFolderThatOthersCanWriteIsRefused() throws {
    try withStranger { folder, path in
      try trust(path, in: folder)
      #expect(chmod(folder.path, 0o777) == 0)
      let failure = #expect(throws: Failure.self) { try refusal(path, in: folder) }
      #expect(failure?.message.hasPrefix("its folder can be written by others") == true)
      #expect(chmod(folder.path, 0o700) == 0)
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away")) func aStrangersFileIsRefused() throws {
    try withStranger { folder, path in
      #expect(chown(path, 12345, 12345) == 0)
      let failure = #expect(throws: Failure.self) { try refusal(path, in: folder) }
      #expect(failure?.kind == .untrustedPlugin)
      #expect(failure?.message.hasPrefix("its file belongs to the user 12345") == true)
    }
  }

  @Test func trustIsTakenBackByDigestAndByPath() throws {
    try withStranger { folder, path in
      try trust(path, in: folder)
      var store = try store(folder)
      let digest = try #require(store.entries.first?.sha256)
      #expect(try store.untrust(digest).map(\.path) == [path])
      #expect(try self.store(folder).entries.isEmpty)
      try trust(path, in: folder)
      store = try self.store(folder)
      #expect(try store.untrust(path).map(\.sha256) == [digest])
      #expect(try store.untrust(path).isEmpty)
    }
  }

  @Test func theStoreIsTheUsersAlone() throws {
    try withStranger { folder, path in
      try trust(path, in: folder)
      let file = folder.appending(path: "clues/trusted.json").path
      var status = stat()
      #expect(stat(file, &status) == 0)
      #expect(status.st_mode & 0o777 == 0o600)
      #expect(chmod(file, 0o666) == 0)
      let failure = #expect(throws: Failure.self) { try store(folder) }
      #expect(failure?.kind == .untrustedPlugin)
    }
  }

  func entry(_ number: Int) -> TrustStore.Entry {
    let digits = String(number, radix: 16)
    return .init(
      sha256: String(repeating: "0", count: 64 - digits.count) + digits, path: "/p/\(number)", library: "l",
      version: "1")
  }

  /// Each by a store of its own that was read before: as processes do it, which share nothing but the file.
  @Test func changesAtTheSameTimeAllCount() throws {
    try withTemporaryFolder { folder in
      let (lanes, each) = (8, 12)
      let problems = Problems()
      DispatchQueue.concurrentPerform(iterations: lanes) { lane in
        do {
          for index in 0..<each {
            var (first, second) = (try store(folder), try store(folder))
            let entry = entry(lane * each + index)
            try first.trust(entry)
            // This one was read when nobody was trusted yet.
            if index % 2 == 0 { #expect(try second.untrust(entry.sha256) == [entry]) }
          }
        } catch {
          problems.add(error)
        }
      }
      #expect(problems.all.isEmpty, "\(problems.all)")
      let left = Set(try store(folder).entries.map(\.sha256))
      #expect(left == Set((0..<lanes * each).filter { $0 % each % 2 == 1 }.map { entry($0).sha256 }))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "clues").path)
      #expect(Set(names) == ["trusted.json", "trusted.json.lock"])
    }
  }

  @Test func whatAKilledOneLeftBehindIsWrittenOver() throws {
    try withTemporaryFolder { folder in
      var store = try store(folder)
      try store.trust(entry(1))
      let draft = folder.appending(path: "clues/.trusted.json.clues-draft-KILLED")
      try Data("half".utf8).write(to: draft)
      try store.trust(entry(2))
      #expect(try self.store(folder).entries == [entry(1), entry(2)])
      #expect(!FileManager.default.fileExists(atPath: draft.path))
    }
  }

  @Test func whyItCannotBeWrittenIsSaid() throws {
    try withTemporaryFolder { folder in
      // A name for which there is a lock, but no draft any more.
      let path = folder.appending(path: String(repeating: "n", count: 250)).path
      var store = try TrustStore(path: path)
      let failure = #expect(throws: Failure.self) { try store.trust(entry(1)) }
      #expect(failure?.kind == .cannotWrite && failure?.file == path)
      #expect(failure?.message == "cannot be written: File name too long")
    }
  }

  @Test func aListThatMakesNoSenseIsNotWrittenOver() throws {
    try withTemporaryFolder { folder in
      var store = try store(folder)
      try store.trust(entry(1))
      let file = folder.appending(path: "clues/trusted.json")
      try Data("{".utf8).write(to: file)
      let failure = #expect(throws: Failure.self) { try store.trust(entry(2)) }
      #expect(failure?.kind == .badData)
      #expect(try String(contentsOf: file, encoding: .utf8) == "{")
    }
  }

  @Test func whoHoldsTheLockIsWaitedFor() throws {
    try withTemporaryFolder { folder in
      var store = try store(folder)
      try store.trust(entry(1))
      let lock = open(folder.appending(path: "clues/trusted.json.lock").path, O_RDWR)
      try #require(lock >= 0 && flock(lock, LOCK_EX) == 0)
      let clock = ContinuousClock()
      let start = clock.now
      DispatchQueue.global().asyncAfter(deadline: .now() + 0.3) { close(lock) }
      try store.trust(entry(2))
      #expect(clock.now - start >= .milliseconds(250))
      #expect(try self.store(folder).entries.count == 2)
    }
  }

  @Test(arguments: [
    "", "{}", "[]", #"{"schema": "clues/trusted/2", "plugins": []}"#, #"{"schema": "clues/trusted/1"}"#,
    #"{"schema": "clues/trusted/1", "plugins": [1]}"#,
    #"{"schema": "clues/trusted/1", "plugins": [{"sha256": "x", "path": "", "library": "", "version": ""}]}"#,
  ]) func aBrokenStoreTrustsNobody(_ text: String) throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(at: folder.appending(path: "clues"), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: folder.appending(path: "clues/trusted.json"))
      let failure = #expect(throws: Failure.self) { try store(folder) }
      #expect(failure?.kind == .badData)
      #expect(failure?.file?.hasSuffix("trusted.json") == true)
    }
  }

  @Test func withoutAHomeNobodyIsTrusted() throws {
    var store = try TrustStore(environment: [:])
    #expect(store.entries.isEmpty)
    let failure = #expect(throws: Failure.self) {
      try store.trust(.init(sha256: "", path: "", library: "", version: ""))
    }
    #expect(failure?.kind == .cannotWrite)
  }
}

/// What went wrong in several threads.
private final class Problems: @unchecked Sendable {
  // Unchecked, for everything is only touched under the lock.
  private let lock = NSLock()
  private var errors: [any Error] = []

  func add(_ error: any Error) { lock.withLock { errors.append(error) } }
  var all: [any Error] { lock.withLock { errors } }
}
