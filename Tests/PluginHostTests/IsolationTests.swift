import Diagnostics
import Foundation
import JSON
import Tensors
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
    "shared-memory", "memory-file", "message-queue", "unprotect-input", "environment", "descriptors", "grow-down",
    "huge-pages", "locked-memory", "lock-memory", "stack-downwards", "system-v-memory", "secret-memory", "user-faults",
    "ring", "pipe", "pipe-size", "signal-me-later", "lifeline", "inotify", "fanotify", "epoll", "eventfd", "timerfd",
    "alarm", "io-priority", "priority", "scheduling", "affinity", "other-user", "capabilities", "keyring", "namespace",
    "session", "own-filter", "dumpable", "tracer", "folder", "unknown-call", "clone3", "thread",
  ]) func whatIsOutOfReach(_ deed: String) throws {
    #expect(try commit(deed) == 0)
  }

  #if arch(x86_64)
    @Test func callsOfOtherArchitecturesAreRefused() throws {
      #expect(try commit("x32") == 0)
      let failure = #expect(throws: Failure.self) { try commit("foreign-call") }
      #expect(failure?.message.contains("crashed (SIGSYS) in merge") == true)
    }
  #endif

  /// What can be written no more is forgotten by the limit on data.
  @Test func memoryThatIsOnlyReadCounts() throws {
    #expect(try commit("hide-memory", settings: workerSettings(memory: 256 << 20)) == 0)
    #expect(try commit("hide-memory", settings: workerSettings(memory: 4 << 30)) == 1)
  }

  @Test func largeInputsDoNotCountAsItsMemory() throws {
    let library = try Self.rogue.get().library(workerSettings(memory: 16 << 20))
    let instance = try library.mergeMethods[0].instance()
    var output = [Float](repeating: 0, count: 50_000_000)
    // Twice: the second call replaces regions that the first one made.
    for rows in [5_000, 50_000] {
      try output.withUnsafeMutableBufferPointer { output in
        // What is read is what is written over: the worker has a copy.
        let values = UnsafePointer(output.baseAddress!)
        let inputs = (0..<4).map {
          MergeUnit.Input(client: "c\($0)", index: $0, weight: 1, stream: 0, values: values)
        }
        try instance.merge(
          MergeUnit(module: "m", space: .delta, rows: rows, columns: 1000, inputs: inputs), into: output.baseAddress!)
      }
      #expect(output[0] == 1)
    }
  }

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
      failure?.statement == "plugin 'rogue' (rogue 1.0.0) \(what); its last output: about to do it")
    #expect(failure?.tensor == "m")
  }

  @Test func whatItWroteLastIsTold() throws {
    let failure = #expect(throws: Failure.self) { try commit("murmur") }
    #expect(failure?.message.hasSuffix("its last output: this is heard") == true)
  }

  @Test func chatterIsNotHeardAndDoesNotStopIt() throws { #expect(try commit("chatter") == -1) }

  @Test(arguments: ["loop", "deaf", "log", "flood-stderr", "slip-away"]) func whoeverDoesNotReturnIsStopped(
    _ deed: String
  ) throws {
    // Time enough for a busy machine to load the library.
    let failure = #expect(throws: Failure.self) { try commit(deed, settings: workerSettings(time: .seconds(1))) }
    #expect(failure?.kind == .pluginFailed)
    #expect(
      failure?.statement.hasPrefix("plugin 'rogue' did not return from merge within 1.0 seconds") == true,
      "\(failure as Any)")
  }

  @Test(arguments: ["polite", "loop", "log", "flood-stderr"]) func whoeverIsInterruptedStops(_ deed: String) throws {
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

  @Test func whatItLogsBeyondMeasureIsCounted() throws {
    let heard = Heard()
    let services = HostServices(log: { _, level, text in heard.add(level, text) })
    for library in [try Self.rogue.get().library(workerSettings()), try Self.rogue.get().here()] {
      heard.lines = []
      let instance = try library.mergeMethods[0].instance(["deed": "log-much"], services: services)
      let unit = MergeUnit(
        module: "m", space: .delta, rows: 1, columns: 1,
        inputs: [.init(client: "c", index: 0, weight: 1, stream: 0, values: [1])])
      var output: Float = 0
      try instance.merge(unit, into: &output)
      let warnings = heard.lines.filter { $0.0 == .warning }.map(\.1)
      #expect(warnings.count == 1001)
      #expect(warnings.last == "49000 more warnings of one call are left out: the limit is 1000")
      #expect(heard.lines.count == 2001)
    }
  }

  @Test func whoeverFloodsTheChannelIsEnded() throws {
    let clock = ContinuousClock()
    let start = clock.now
    let failure = #expect(throws: Failure.self) { try commit("flood") }
    #expect(failure?.kind == .pluginFailed)
    #expect(failure?.statement.hasPrefix("plugin 'rogue' sent more than 8000 messages in one call") == true)
    #expect(clock.now - start < .seconds(30))
  }

  /// A worker that answers calls which it never reads must not stop the host when there is no more room for them.
  @Test func aWorkerThatReadsNothingIsStopped() throws {
    let library = try Self.rogue.get().library(workerSettings(time: .seconds(1)))
    let instance = try library.mergeMethods[0].instance(["deed": "deaf-liar"])
    let unit = MergeUnit(
      module: "m", space: .delta, rows: 1, columns: 1,
      inputs: [.init(client: "c", index: 0, weight: 1, stream: 0, values: [1])])
    var output: Float = 0
    // A lie about an output is found out; of an integer anything is believed.
    expectFailure(.pluginFailed, "left 1 of 1 numbers of its output unwritten") {
      try instance.merge(unit, into: &output)
    }
    let failure = #expect(throws: Failure.self) { while true { _ = try instance.surveySize(clients: 1) } }
    #expect(failure?.kind == .pluginFailed)
    #expect(failure?.message.contains("within 1.0 seconds") == true)
  }

  /// What is wrong with a library that cannot be loaded is told by the worker, and what to do about it by the host.
  @Test func whatCannotBeLoadedIsToldWithAdviceOfOurs() throws {
    try withTemporaryFolder { folder in
      let (source, path) = (folder.appending(path: "empty.c").path, folder.appending(path: "empty.so").path)
      try Data("extern int clues_nothing;\n".utf8).write(to: URL(filePath: source))
      try Compiler.clang.compilePlugin(source, to: path)
      let failure = #expect(throws: Failure.self) {
        try UntrustedLibrary.manifest(ofUnmarked: path, settings: workerSettings())
      }
      #expect(failure?.kind == .pluginFailed)
      #expect(failure?.statement == "plugin 'empty.so': exports no clues_plugin_entry_v1")
      #expect(failure?.advice == "see what else is wrong with it: clues plugins check \(path)")
      #expect(failure?.file == path)
    }
  }

  @Test func anErrorWithoutEndIsCut() throws {
    let failure = #expect(throws: Failure.self) { try commit("long-error") }
    #expect(failure?.kind == .pluginFailed)
    #expect((failure?.message.utf8.count ?? 0) < 17_000)
  }

  /// Whatever a plugin says, the exit code is that of plugins, and its words are no help of ours.
  @Test(arguments: [1, 2, 3, 4, 5, 6, 77, 130]) func itsWordsAreItsOwn(_ status: Int) throws {
    for library in [try Self.rogue.get().library(workerSettings()), try Self.rogue.get().here()] {
      let failure = #expect(throws: Failure.self) {
        try library.mergeMethods[0].merge([[1]], rows: 1, columns: 1, ["deed": .string("say-\(status)")])
      }
      #expect(failure?.kind == .pluginFailed)
      #expect(failure?.advice == nil)
      let text = failure.map { "\($0)" } ?? ""
      #expect(text.hasPrefix("error: tensor 'm': plugin 'rogue': no\\u{a}  help: run this\\u{1b}[2J"), "\(text)")
      #expect(!text.contains("\n"))
    }
  }

  @Test func aForgedFailureIsOneOfThePlugin() throws {
    let failure = #expect(throws: Failure.self) { try commit("forge-failure", settings: workerSettings()) }
    #expect(failure?.kind == .pluginFailed)
    #expect(failure?.statement == "plugin 'rogue': trust me\0run this")
    #expect(failure?.advice == nil)
  }

  @Test(arguments: ["forge", "babble", "close-channel", "byte-by-byte", "empty-message"])
  func aLyingWorkerIsNotBelieved(_ deed: String) throws {
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
    expectFailure(.pluginFailed, "crashed (SIGSEGV) in merge") { try instance.merge(unit, into: &output) }
    let second = #expect(throws: Failure.self) { try instance.merge(unit, into: &output) }
    #expect(second?.statement == "plugin 'rogue' has failed before and cannot go on")
    // Another instance gets another worker.
    #expect(try library.mergeMethods[0].merge([[1]], rows: 1, columns: 1) == [1])
  }

  /// A worker that is not its host's child cannot be sure to die with it; as any other step of the sandbox that fails, this
  /// ends it before the library is loaded.
  @Test func whereNoSandboxIsNothingRuns() throws {
    try withTemporaryFolder { folder in
      let script = folder.appending(path: "between")
      try Data("#!/bin/sh\n'\(siblingExecutable)' \"$@\"\n".utf8).write(to: script)
      #expect(chmod(script.path, 0o700) == 0)
      var settings = workerSettings()
      settings.executable = script.path
      let failure = #expect(throws: Failure.self) { try commit("thread", settings: settings) }
      #expect(failure?.kind == .pluginFailed)
      #expect(failure?.message.hasPrefix("cannot be sandboxed here: the signal of the parent's death") == true)
      #expect(failure?.advice?.contains("--isolation none") == true)
    }
  }

  @Test func whatHonestPluginsNeedIsAllowed() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "libraries.so").path
      try Compiler.clang.compile(
        fixture("plugins/libraries.c"), to: path,
        ["-shared", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE", "-Wl,--no-as-needed", "-lopenblas", "-lm"])
      try mark(path)
      let library = try UntrustedLibrary(path: path, trust: .empty).library(untrustedIn: workerSettings())
      #expect(try library.mergeMethods[0].merge([[1, 2]], rows: 1, columns: 2) == [1, 2])
    }
  }

  /// The second way to notice that the host is gone, for a process that gets no signal from the first.
  @Test func whatItsHostHoldsOpenEndsIt() throws {
    try withTemporaryFolder { folder in
      let program = folder.appending(path: "lifeline").path
      let sources = repository.appending(path: "Sources/CLinux")
      try output(
        "clang",
        ["-std=c11", "-I", sources.path, "-I", sources.appending(path: "include").path]
          + ["sandbox.c", "calls.c", "capabilities.c", "landlock.c"].map { sources.appending(path: $0).path }
          + [fixture("system/lifeline.c"), "-o", program])
      #expect(try run(program).status == 0)
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
    #expect(failure?.message == "does not hold the plugins that its manifest describes")
  }
}

/// What a plugin logged.
private final class Heard: @unchecked Sendable {
  // Unchecked, for one instance logs in one thread.
  var lines: [(HostServices.LogLevel, String)] = []

  func add(_ level: HostServices.LogLevel, _ text: String) { lines.append((level, text)) }
}

/// A fixture as a stranger hands it in: compiled, marked, and kept in memory.
struct Stranger {
  private let library: UntrustedLibrary
  private let bytes: Bytes

  init(_ name: String, _ definitions: [String] = [], _ change: (inout String) -> Void = { _ in }) throws {
    (library, bytes) = try withTemporaryFolder { folder in
      let path = folder.appending(path: name + ".so").path
      try Compiler.clang.compilePlugin(fixture("plugins/\(name).c"), to: path, definitions)
      try mark(path, change)
      return (try UntrustedLibrary(path: path, trust: .empty), try UntrustedLibrary.read(path))
    }
  }

  /// Loaded into this process, as with `--isolation none`.
  func here() throws -> PluginLibraryFile {
    let file = try SealedFile(bytes, name: "stranger")
    // Open for good, as in the host: the loader knows libraries by their paths.
    _ = Unmanaged.passRetained(file)
    return try PluginLibraryFile(loading: file.path, as: library.path, digest: nil)
  }

  func library(_ settings: WorkerSettings = workerSettings()) throws -> PluginLibraryFile {
    try library.library(untrustedIn: settings)
  }
}

extension IsolationTests {
  /// A plugin linked against a Swift runtime that is not where the system looks for it.
  @Test func aMissingSwiftRuntimeIsExplained() throws {
    try withTemporaryFolder { folder in
      let plugin = folder.appending(path: "plugin.so").path
      try Compiler.gcc.compilePlugin(fixture("plugins/survey.c"), to: plugin)
      let manifest = try UntrustedLibrary.manifest(ofUnmarked: plugin, settings: workerSettings()).text(indented: true)
      let runtime = folder.appending(path: "libswiftCoreElsewhere.so").path
      let empty = try folder.file("empty.c", Array("int clues_of_nothing(void) { return 0; }\n".utf8))
      try Compiler.gcc.compile(empty, to: runtime, ["-shared", "-fPIC", "-Wno-missing-prototypes"])
      try Compiler.gcc.compile(
        fixture("plugins/survey.c"), to: plugin,
        ["-shared", "-fPIC", "-fvisibility=hidden", "-Wl,--no-as-needed", runtime])
      try FileManager.default.removeItem(atPath: runtime)
      let inHost = try failure { try PluginLibraryFile(loading: plugin, as: plugin, digest: nil) }
      #expect(inHost.kind == .pluginFailed && inHost.advice?.contains("-static-stdlib") == true, "\(inHost)")
      try mark(plugin, with: Data(manifest.utf8))
      let inWorker = try failure {
        try UntrustedLibrary(path: plugin, trust: .empty).library(untrustedIn: workerSettings()).mergeMethods[0]
          .instance()
      }
      #expect(inWorker.kind == .pluginFailed && inWorker.advice?.contains("-static-stdlib") == true, "\(inWorker)")
    }
  }
}
