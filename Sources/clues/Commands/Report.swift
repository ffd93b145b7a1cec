import ArgumentParser
import Diagnostics
import Runs

extension Clues {
  struct Report: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "report",
      abstract: "Regenerate the report of a run.",
      usage: "clues report <run> [<options>]",
      discussion: """
        Every run writes its report (clues/report.html): one self-contained HTML page. This command regenerates it from \
        the record of the run, with a link to a measure.html of clues measure beside it.

        Example:
          clues report runs/clues-calibrated -o report.html
        """)

    @Argument(help: ArgumentHelp("A run directory.", valueName: "run"), completion: .directory)
    var directory: String

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The page; by default clues/report.html of the run.", valueName: "file"),
      completion: .file(extensions: ["html"]))
    var output: String?

    @OptionGroup var messages: MessageOptions

    func run() throws {
      let report = try RunReport(of: directory, to: output)
      try report.write()
      if !messages.quiet { Console.done("The report is in \(oneLine(report.path))") }
    }
  }
}
