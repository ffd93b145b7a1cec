import ArgumentParser
import Diagnostics
import Runs

extension Clues {
  struct Report: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "report",
      abstract: "Make the report of a run again.",
      usage: "clues report <run> [<options>]",
      discussion: """
        A run writes its report (clues/report.html) itself: one HTML page that needs nothing from elsewhere. This makes \
        it again from the record of the run. A measure.html that clues measure wrote beside it is linked.

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
