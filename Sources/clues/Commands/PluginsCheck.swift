import ArgumentParser
import Diagnostics
import Files
import Foundation
import PluginChecks
import PluginHost
import SystemPackage

extension Clues.Plugins {
  struct Check: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Test a plugin against the contract.",
      usage: """
        clues plugins check <file> [--only <check>]... [<options>]
        clues plugins check --list [--json]
        """,
      discussion: """
        Every check runs in its own sandboxed process, so a file does not have to be trusted to be \
        checked. Exit code 0 means that nothing failed and nothing crashed, 70 that something did. \
        Documentation/Checks.md says what is checked.

        Examples:
          clues plugins check agreement.so
          clues plugins check agreement.so --only strides --only dtypes --json
        """)

    @Argument(help: ArgumentHelp("The plugin's file.", valueName: "file"), completion: .file(extensions: ["so"]))
    var file: String?

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Option(
      help: ArgumentHelp("Run only this check; can be repeated.", valueName: "check"),
      completion: .list(PluginChecks.Check.all.map(\.id)))
    var only: [String] = []

    @Option(
      help: ArgumentHelp(
        "The seed of all random choices; by default a different one each time.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("How long a check may take for one entry, in seconds.", valueName: "s"))
    var timeLimit = 30

    @Flag(help: "List the checks instead.")
    var list = false

    @OptionGroup var messages: MessageOptions

    func validate() throws {
      guard list || file != nil else { throw ValidationError("give the file to check") }
      guard (1...100_000).contains(timeLimit) else {
        throw ValidationError("--time-limit must be from 1 to 100000 seconds")
      }
    }

    func run() throws {
      guard !list, let file else {
        return try Console.result(
          json ? PluginChecks.Check.listJSON.text(indented: true) : PluginChecks.Check.list)
      }
      let settings = PluginChecker.Settings(
        seed: seed ?? .random(in: 0...UInt64(UInt32.max)), workers: WorkerSettings(time: .seconds(timeLimit)))
      let path = FilePath(file).absolute.string
      let report = try PluginChecker(path: path, settings: settings).report(only: only)
      try Console.result(json ? report.json.text(indented: true) : report.text)
      if !report.isPassed { throw ExitCode(Failure.Kind.pluginFailed.exitCode) }
    }
  }
}
