import Foundation
import PluginHost
import TestSupport
import Testing

/// Where the system gives too little, a command says so and ends; it neither spins nor crashes.
@Suite(.serialized) struct ResourceTests {
  private static let merge =
    "merge \(fixture("tiny/c0")) \(fixture("tiny/c1")) --method ties -o out --force -q"
  private static let commands = [
    merge, "inspect \(fixture("tiny/c0"))", "score \(fixture("tiny/c0")) --scorer grand -q",
    "pack \(fixture("tiny/c0")) -o out.tar.xz --force -q",
  ]

  /// Runs a command of the shell's under a limit, for ten seconds at the most.
  private func run(_ command: String, limit: String, in folder: URL) throws -> CommandResult {
    try clues(
      ["-c", "ulimit \(limit); exec timeout -s KILL 20 \(cluesExecutable) \(command)"], in: folder,
      executable: "/bin/sh", environment: ["SWIFT_BACKTRACE": "enable=no"])
  }

  private func expectOrder(_ result: CommandResult, _ what: String) {
    // 127 is the loader's, which cannot even find the libraries.
    #expect([0, 71, 127].contains(result.status), "\(what): \(result.status) \(result.errors)")
    if result.status == 71 {
      #expect(result.errors.contains("error: ") && result.errors.contains("help: "), "\(what): \(result.errors)")
    }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [1_000_000, 500_000, 250_000]) func littleMemoryIsAnError(_ kilobytes: Int)
    throws
  {
    try withTemporaryFolder { folder in
      for command in Self.commands {
        expectOrder(try run(command, limit: "-v \(kilobytes)", in: folder), "\(command) with \(kilobytes) kB")
      }
      let result = try run("--version", limit: "-v 200000", in: folder)
      #expect(result.status == 71)
      #expect(result.errors.contains("ulimit -v"), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasPrefix(".") })
    }
  }

  @Test(.timeLimit(.minutes(5)), arguments: [4, 5, 6, 8, 10]) func fewDescriptorsAreAnError(_ count: Int) throws {
    try withTemporaryFolder { folder in
      for command in Self.commands {
        let result = try run(command, limit: "-n \(count)", in: folder)
        expectOrder(result, "\(command) with \(count) descriptors")
        if result.status == 71 { #expect(result.errors.contains("ulimit -n"), "\(result.errors)") }
      }
    }
  }

  private static let check =
    "plugins check \(PluginSearchPath.executableFolder)/libCluesPluginLinear.so --only threads --only interleaved --only tables"

  /// What the machine lacks is told as such, and not as a fault of the plugin's: up to what is enough, each count is too few.
  @Test(.timeLimit(.minutes(5))) func checksOfPluginsNeedDescriptors() throws {
    try withTemporaryFolder { folder in
      var enough: Int?
      for count in 4...24 {
        let result = try run(Self.check, limit: "-n \(count)", in: folder)
        if result.status == 0 { enough = enough ?? count }
        #expect(result.status == (enough == nil ? 71 : 0), "\(count): \(result.output)\(result.errors)")
        #expect(enough != nil || result.errors.contains("ulimit -n"), "\(count): \(result.errors)")
      }
      #expect(enough.map { $0 > 11 } == true)
    }
  }

  /// Runs a command as a user who may have so many processes; root may have as many as it likes.
  private func runAsNobody(_ command: String, processes: Int, in folder: URL) throws -> CommandResult {
    try clues(
      [
        "-c",
        "chmod 777 .; export OPENBLAS_NUM_THREADS=1; exec timeout -s KILL 60 setpriv --reuid=65534 --regid=65534 "
          + "--clear-groups /bin/bash -c 'ulimit -u \(processes); exec \(cluesExecutable) \(command)'",
      ], in: folder, executable: "/bin/bash")
  }

  static let canBecomeNobody = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")

  @Test(.timeLimit(.minutes(5)), .enabled(if: canBecomeNobody)) func noThreadIsNoWaitWithoutEnd() throws {
    try withTemporaryFolder { folder in
      let merged = try runAsNobody(Self.merge + " --threads 4", processes: 0, in: folder)
      #expect(merged.status == 0, "\(merged.errors)")
      let checked = try runAsNobody(Self.check, processes: 0, in: folder)
      #expect(checked.status == 71, "\(checked.status) \(checked.errors)")
      #expect(checked.errors.contains("ulimit -u"), "\(checked.errors)")
    }
  }

  /// A user who may have no further process has no further thread. For root, who may, this holds by itself.
  @Test(.timeLimit(.minutes(2))) func oneThreadIsEnough() throws {
    try withTemporaryFolder { folder in
      let result = try clues(
        [
          "-c",
          "ulimit -u 0; export OPENBLAS_NUM_THREADS=1; exec timeout -s KILL 20 \(cluesExecutable) \(Self.merge) --threads 4",
        ], in: folder, executable: "/bin/bash")
      #expect(result.status == 0, "\(result.errors)")
    }
  }
}
