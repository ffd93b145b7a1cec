import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import PluginHost

/// What a stranger's plugin can do to the host and its machine: nothing.
@Suite struct IsolationTests {
  /// One rogue for all tests: it is the worker that differs.
  private static let rogue = Result { try Stranger("rogue") }

  /// What a deed comes to: 1 done, 0 prevented.
  @discardableResult func commit(
    _ deed: String, path: String = "/", settings: WorkerSettings = workerSettings(), services: HostServices = .init()
  ) throws -> Float {
    let library = try Self.rogue.get().library(settings)
    return try library.mergeMethods[0].merge(
      [[1]], rows: 1, columns: 1, ["deed": .string(deed), "path": .string(path)])[0]
  }

  @Test(arguments: [
    "tcp", "udp", "unix-socket", "fork", "exec", "signal-parent", "trace-parent", "outlive-parent", "raise-limit",
    "shared-memory", "memory-file", "message-queue", "unprotect-input", "environment", "descriptors",
  ]) func whatIsOutOfReach(_ deed: String) throws {
    #expect(try commit(deed) == 0)
  }

  @Test func threadsOfItsOwnAreNoDanger() throws { #expect(try commit("thread") == 1) }

  @Test func filesAreOutOfReach() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "diary").path
      try Data("secret".utf8).write(to: URL(filePath: file))
      for deed in ["append-file", "read-file", "remove-file", "rename-file", "chmod-file"] {
        #expect(try commit(deed, path: file) == 0, "\(deed)")
      }
      #expect(try commit("create-file", path: folder.appending(path: "new").path) == 0)
      #expect(try commit("list-folder", path: folder.path) == 0)
      #expect(try commit("read-file", path: "/etc/passwd") == 0)
      #expect(try commit("read-file", path: "/proc/self/environ") == 0)
      #expect(try String(contentsOfFile: file, encoding: .utf8) == "secret")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["diary"])
    }
  }

  @Test(arguments: [
    ("crash", "crashed (SIGSEGV) in merge"), ("abort", "crashed (SIGABRT) in merge"),
    ("write-input", "crashed (SIGSEGV) in merge"), ("overrun-output", "crashed (SIGSEGV) in merge"),
    ("exit", "ended its process with status 0 in merge"), ("leave", "ended its process with status 7 in merge"),
  ]) func aCrashIsAnError(_ deed: String, _ what: String) throws {
    let failure = #expect(throws: Failure.self) { try commit(deed) }
    #expect(failure?.kind == .pluginFailed)
    #expect(
      failure?.message == "plugin 'rogue' (rogue 1.0.0) \(what); the last that was heard of it: about to do it")
    #expect(failure?.tensor == "m")
  }

  @Test func whatItWroteLastIsTold() throws {
    let failure = #expect(throws: Failure.self) { try commit("murmur") }
    #expect(failure?.message.hasSuffix("the last that was heard of it: this is heard") == true)
  }

  @Test func chatterIsNotHeardAndDoesNotStopIt() throws { #expect(try commit("chatter") == -1) }

  @Test(arguments: ["loop", "deaf"]) func whoeverDoesNotReturnIsStopped(_ deed: String) throws {
    let failure = #expect(throws: Failure.self) { try commit(deed, settings: workerSettings(time: .milliseconds(300))) }
    #expect(failure?.kind == .pluginFailed)
    #expect(failure?.message.hasPrefix("plugin 'rogue' did not return from merge within 0.3 seconds") == true)
  }

  @Test(arguments: ["polite", "loop"]) func whoeverIsInterruptedStops(_ deed: String) throws {
    let library = try Self.rogue.get().library(workerSettings())
    let instance = try library.mergeMethods[0].instance(
      ["deed": .string(deed)], services: HostServices(isCancelled: { true }))
    var output: Float = 0
    let unit = MergeUnit(
      module: "m", space: .delta, rows: 1, columns: 1,
      inputs: [.init(client: "c", index: 0, weight: 1, stream: 0, values: [1])])
    let failure = #expect(throws: Failure.self) { try instance.merge(unit, into: &output) }
    #expect(failure?.kind == .interrupted)
  }

  @Test func memoryHasItsLimit() throws {
    #expect(try commit("allocate", settings: workerSettings(memory: 1 << 30)) == 0)
    #expect(try commit("allocate", settings: workerSettings(memory: 8 << 30)) == 1)
  }

  @Test(arguments: ["forge", "babble", "close-channel"]) func aLyingWorkerIsNotBelieved(_ deed: String) throws {
    let failure = #expect(throws: Failure.self) { try commit(deed, settings: workerSettings(time: .seconds(5))) }
    #expect(failure?.kind == .pluginFailed)
  }

  @Test func anInstanceThatFailedIsNotUsedAgain() throws {
    let library = try Self.rogue.get().library(workerSettings())
    let instance = try library.mergeMethods[0].instance(["deed": "crash"])
    let unit = MergeUnit(
      module: "m", space: .delta, rows: 1, columns: 1,
      inputs: [.init(client: "c", index: 0, weight: 1, stream: 0, values: [1])])
    var output: Float = 0
    expectFailure(.pluginFailed, "XX") { try instance.merge(unit, into: &output) }
    let second = #expect(throws: Failure.self) { try instance.merge(unit, into: &output) }
    #expect(second?.message == "plugin 'rogue' has failed before and cannot go on")
    // Another instance gets another worker.
    #expect(try library.mergeMethods[0].merge([[1]], rows: 1, columns: 1) == [1])
  }

  /// A worker that is not its host's child cannot be sure to die with it; as any other step of the sandbox that fails, this
  /// ends it before the library is loaded.
  @Test func whereNoSandboxIsNothingRuns() throws {
    try withTemporaryFolder { folder in
      let script = folder.appending(path: "between")
      try Data("#!/bin/sh\n'\(cluesExecutable)' \"$@\"\n".utf8).write(to: script)
      #expect(chmod(script.path, 0o700) == 0)
      var settings = workerSettings()
      settings.executable = script.path
      let failure = #expect(throws: Failure.self) { try commit("thread", settings: settings) }
      #expect(failure?.kind == .pluginFailed)
      #expect(failure?.message.hasPrefix("cannot be shut in here: the signal of the parent's death") == true)
      #expect(failure?.advice?.contains("--isolation none") == true)
    }
  }

  @Test func aWorkerStartedByHandServesNobody() throws {
    let result = try clues([WorkerSettings.argument])
    #expect(result.status == 1)
  }

  @Test(arguments: ["lambda", "perspective"]) func aManifestThatLiesIsFoundOut(_ id: String) throws {
    let liar = try Stranger("rogue") { $0 = $0.replacing("\"id\": \"rogue\"", with: "\"id\": \"\(id)\"") }
    let library = try liar.library(workerSettings())
    #expect(library.entries.map(\.id) == [id])
    let failure = #expect(throws: Failure.self) { try library.mergeMethods[0].merge([[1]], rows: 1, columns: 1) }
    #expect(failure?.message == "holds other plugins than its manifest says")
  }
}

/// A fixture as a stranger hands it in: compiled, marked, and kept in memory.
struct Stranger {
  private let library: StrangeLibrary

  init(_ name: String, _ definitions: [String] = [], _ change: (inout String) -> Void = { _ in }) throws {
    library = try withTemporaryFolder { folder in
      let path = folder.appending(path: name + ".so").path
      try Compiler.clang.compilePlugin(fixture("plugins/\(name).c"), to: path, definitions)
      try mark(path, change)
      return try StrangeLibrary(path: path, trust: .empty)
    }
  }

  func library(_ settings: WorkerSettings = workerSettings()) throws -> PluginLibraryFile {
    try library.library(untrustedIn: settings)
  }
}
