import Foundation
import JSON
import PluginHost
import TestSupport
import Testing

/// Plugins from elsewhere, as a user meets them.
@Suite struct UntrustedPluginTests {
  /// A folder with the rogue in plugins/, marked, and no configuration.
  func withRogue(_ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let plugins = folder.appending(path: "plugins")
      try FileManager.default.createDirectory(at: plugins, withIntermediateDirectories: true)
      try output(
        "cc",
        [
          "-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden", "-I",
          repository.appending(path: "Sources/CluesPluginABI/include").path, fixture("plugins/rogue.c"), "-o",
          plugins.appending(path: "rogue.so").path,
        ])
      try mark(plugins.appending(path: "rogue.so").path)
      try body(folder)
    }
  }

  func merge(_ folder: URL, _ deed: String, _ options: [String] = []) throws -> CommandResult {
    try clues(
      [
        "merge", fixture("tiny/c0"), fixture("tiny/c1"), "--method", "rogue", "-p", "deed=\(deed)", "--plugin-dir",
        "plugins", "-o", "out", "--force",
      ] + options, in: folder)
  }

  @Test func listAndShowRunNothing() throws {
    try withRogue { folder in
      let sign = folder.appending(path: "sign").path
      func clues(_ arguments: [String]) throws -> CommandResult {
        try TestSupport.clues(arguments, in: folder, environment: ["ROGUE_MARK": sign])
      }
      var hasRun: Bool { FileManager.default.fileExists(atPath: sign) }
      let listed = try clues(["plugins", "list", "--plugin-dir", "plugins", "--json"])
      let entries = try JSONReader().read(listed.output).objectValue?["plugins"]?.arrayValue ?? []
      let rogue = try #require(entries.compactMap(\.objectValue).first { $0["id"] == "rogue" })
      #expect(rogue["standing"] == "untrusted")
      #expect(rogue["sha256"]?.stringValue?.count == 64)
      let shown = try clues(["plugins", "show", "rogue", "--plugin-dir", "plugins"])
      #expect(shown.status == 0)
      #expect(shown.output.contains("untrusted"))
      #expect(shown.output.contains("deed"))
      // Formulas keep their lines, and no line is forged.
      #expect(shown.output.contains("\n    f = \\u{1b}[31m1\n    g = 2\n"), "\(shown.output)")
      #expect(!shown.output.contains("\n  standing trusted"), "\(shown.output)")
      #expect(try clues(["plugins", "trust", "plugins/rogue.so"]).status == 0)
      let merge = ["merge", fixture("tiny/c0"), "--method", "rogue", "--plugin-dir", "plugins", "-o", "out"]
      #expect(try clues(merge).status == 0)
      #expect(!hasRun, "something of it ran in the host")
      #expect(try clues(merge + ["--force", "--isolation", "none"]).status == 0)
      #expect(hasRun, "the sign does not work")
    }
  }

  @Test func untrustedIs77AndTheDigestIsNamed() throws {
    try withRogue { folder in
      let refused = try merge(folder, "thread")
      #expect(refused.status == 77)
      #expect(refused.errors.contains("is not trusted, so it does not run; its SHA-256 is"))
      #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "out").path))
      let alone = try merge(folder, "thread", ["--isolation", "none"])
      #expect(alone.status == 77)
    }
  }

  @Test func trustedChangedAndUntrusted() throws {
    try withRogue { folder in
      let file = "plugins/rogue.so"
      let trusted = try clues(["plugins", "trust", file], in: folder)
      #expect(trusted.status == 0, "\(trusted.errors)")
      #expect(trusted.output.contains("rogue 1.0.0 with merge method 'rogue'"))
      #expect(try merge(folder, "thread").status == 0)
      #expect(try merge(folder, "thread", ["--isolation", "none"]).status == 0)

      let handle = try FileHandle(forWritingTo: folder.appending(path: file))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data([0]))
      try handle.close()
      let changed = try merge(folder, "thread")
      #expect(changed.status == 77)
      #expect(changed.errors.contains(/its SHA-256 was [0-9a-f]{64} and is [0-9a-f]{64}/))

      #expect(try clues(["plugins", "trust", file], in: folder).status == 0)
      #expect(chmod(folder.appending(path: file).path, 0o666) == 0)
      let writable = try clues(["plugins", "list", "--plugin-dir", "plugins"], in: folder)
      #expect(writable.output.contains(/rogue .*\(exposed:/))
      let exposed = try merge(folder, "thread")
      #expect(exposed.status == 77)
      #expect(exposed.errors.contains("can be written by others (mode 666)"))
      #expect(try clues(["plugins", "trust", file], in: folder).status == 77)
      #expect(chmod(folder.appending(path: file).path, 0o644) == 0)

      let taken = try clues(["plugins", "untrust", file], in: folder)
      #expect(taken.status == 0, "\(taken.errors)")
      #expect(try merge(folder, "thread").status == 77)
      #expect(try clues(["plugins", "untrust", file], in: folder).status == 66)
    }
  }

  @Test(arguments: [
    ("crash", "crashed (SIGSEGV) in merge", []), ("exit", "ended its process with status 0 in merge", []),
    ("loop", "did not return from merge within 1.0 seconds", ["--plugin-time", "1"]),
    ("write-input", "crashed (SIGSEGV) in merge", []),
  ]) func whatGoesWrongIs70AndCostsNothing(_ deed: String, _ message: String, _ options: [String]) throws {
    try withRogue { folder in
      #expect(try clues(["plugins", "trust", "plugins/rogue.so"], in: folder).status == 0)
      #expect(try merge(folder, "thread").status == 0)
      let before = try Data(contentsOf: folder.appending(path: "out/adapter_model.safetensors"))
      let failed = try merge(folder, deed, options)
      #expect(failed.status == 70)
      #expect(failed.errors.contains("plugin 'rogue'"))
      #expect(failed.errors.contains(message))
      #expect(failed.errors.contains("about to do it"))
      #expect(failed.errors.contains("tensor 'model.layers.0.self_attn."))
      #expect(try Data(contentsOf: folder.appending(path: "out/adapter_model.safetensors")) == before)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names.allSatisfy { !$0.contains("draft") })
    }
  }

  @Test(arguments: ["deaf", "slip-away"]) func workersDieWithTheirHost(_ deed: String) throws {
    try withRogue { folder in
      #expect(try clues(["plugins", "trust", "plugins/rogue.so"], in: folder).status == 0)
      let host = try start(
        cluesExecutable,
        [
          "merge", fixture("tiny/c0"), "--method", "rogue", "-p", "deed=\(deed)", "--plugin-dir", "plugins", "-o",
          "out",
          "--threads", "1",
        ], in: folder, environment: ["HOME": folder.path])
      var worker: pid_t?
      for _ in 0..<200 where worker == nil {
        usleep(50_000)
        worker = Self.children(of: host.processIdentifier).first
      }
      let process = try #require(worker)
      // In the middle of the call, where nothing of what root may do is left.
      var status = ""
      for _ in 0..<200 where !status.contains("Seccomp:\t2") {
        usleep(50_000)
        status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
      }
      for line in ["CapInh", "CapPrm", "CapEff", "CapAmb"] + (geteuid() == 0 ? ["CapBnd"] : []) {
        #expect(status.contains("\(line):\t0000000000000000"), "\(line)")
      }
      #expect(status.contains("NoNewPrivs:\t1"))
      usleep(300_000)
      kill(host.processIdentifier, SIGKILL)
      host.waitUntilExit()
      var isGone = false
      for _ in 0..<100 where !isGone {
        usleep(50_000)
        isGone = kill(process, 0) != 0 || Self.isZombie(process)
      }
      #expect(isGone)
    }
  }

  /// A trust that is withdrawn while others are given does not come back, and none of these is lost.
  @Test func trustAtTheSameTime() throws {
    try withRogue { folder in
      let plugins = folder.appending(path: "plugins")
      let rogue = try Data(contentsOf: plugins.appending(path: "rogue.so"))
      let files = try (0..<6).map { index in
        let name = "plugins/r\(index).so"
        try (rogue + Data([UInt8(index)])).write(to: folder.appending(path: name))
        return name
      }
      for round in 0..<3 {
        #expect(try clues(["plugins", "trust", files[round]], in: folder).status == 0)
        let others = files.enumerated().filter { $0.offset != round }.map(\.element)
        let commands = others.map { ["plugins", "trust", $0] } + [["plugins", "untrust", files[round]]]
        DispatchQueue.concurrentPerform(iterations: commands.count) { index in
          let result = try? clues(commands[index], in: folder)
          #expect(result?.status == 0, "\(commands[index]): \(result?.errors ?? "")")
        }
        let list = try String(contentsOf: folder.appending(path: ".config/clues/trusted.json"), encoding: .utf8)
        #expect(files.map { list.contains("/\($0)\"") } == files.indices.map { $0 != round }, "\(list)")
      }
    }
  }

  /// What is kept of a log is bounded for a whole run, too, and what is not kept is counted.
  @Test func aLogWithoutMeasureIsCounted() throws {
    try withRogue { folder in
      #expect(try clues(["plugins", "trust", "plugins/rogue.so"], in: folder).status == 0)
      #expect(try merge(folder, "log-much").status == 0)
      let text = try String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8)
      let notes = try JSONReader().read(text).objectValue?["notes"]?.arrayValue ?? []
      let texts = notes.map { $0.text() }
      #expect(texts.count { $0.contains("rogue: line ") } == 1000)
      #expect(texts.count { $0.contains("plugins logged 4 more warnings in this run, which are left out") } == 1)
    }
  }

  /// Whatever a plugin says or does not stop saying: exit code 70, its words as one line, and no help but ours.
  @Test(arguments: ["log", "flood", "flood-stderr", "say-2", "say-5", "forge-failure"])
  func whateverItSaysIs70(_ deed: String) throws {
    try withRogue { folder in
      #expect(try clues(["plugins", "trust", "plugins/rogue.so"], in: folder).status == 0)
      let failed = try merge(folder, deed, ["--plugin-time", "2"])
      #expect(failed.status == 70)
      #expect(failed.errors.contains("plugin 'rogue'"))
      #expect(failed.errors.utf8.count < 200_000)
      #expect(!failed.errors.contains("\u{1B}"))
      let help = failed.errors.split(separator: "\n").filter { $0.contains(/^ *help:/) }
      #expect(help.allSatisfy { !$0.contains("run this") }, "\(help)")
      #expect(
        failed.errors.contains("say") || !deed.hasPrefix("say") || failed.errors.contains("no\\u{a}  help: run this"))
    }
  }

  private static func children(of process: pid_t) -> [pid_t] {
    let text =
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task"))?.map {
        (try? String(contentsOfFile: "/proc/\(process)/task/\($0)/children", encoding: .utf8)) ?? ""
      } ?? []
    return text.joined(separator: " ").split(separator: " ").compactMap { pid_t($0) }
  }

  private static func isZombie(_ process: pid_t) -> Bool {
    (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8))?.contains(") Z ") != false
  }

  @Test func aPinIsNoTrust() throws {
    try withRogue { folder in
      let listed = try clues(["plugins", "list", "--plugin-dir", "plugins", "--json"], in: folder)
      let digest = try #require(listed.output.firstMatch(of: /"sha256": "([0-9a-f]{64})"/)?.output.1)
      let recipe = """
        clients: ["\(fixture("tiny/c0"))"]
        plugins:
          rogue: \(digest)
        merge: {method: rogue}
        """
      try Data(recipe.utf8).write(to: folder.appending(path: "r.yaml"))
      let command = ["run", "r.yaml", "-o", "out", "--plugin-dir", "plugins", "--force"]
      #expect(try clues(command, in: folder).status == 77)
      #expect(try clues(["plugins", "trust", "plugins/rogue.so"], in: folder).status == 0)
      let run = try clues(command, in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let record = try String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8)
      #expect(record.contains(digest))
      let other = recipe.replacingOccurrences(of: digest, with: String(repeating: "0", count: 64))
      try Data(other.utf8).write(to: folder.appending(path: "r.yaml"))
      let refused = try clues(command, in: folder)
      #expect(refused.status == 77)
      #expect(refused.errors.contains("is pinned to"))
    }
  }
}
