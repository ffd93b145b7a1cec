import ArgumentParser
import Diagnostics
import JSON
import Recipes
import Workbench

extension Clues {
  struct Select: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Decide which scored samples are kept.",
      discussion: """
        A sample is kept when its score is at least the threshold. With -o the ids of the kept samples, the scores with \
        the decision, and threshold.json are written. An operator sends threshold.json to the clients; a client applies \
        it to scores of its own with --with.

        Examples:
          clues select scores.jsonl --threshold anchor-sigma -p k=1 -o selection
          clues select my-scores.jsonl --with threshold.json -o selection
        """)

    @Argument(help: ArgumentHelp("Scores that `clues score` wrote.", valueName: "scores"))
    var scores: String

    @Option(help: ArgumentHelp("The threshold rule; by default anchor-mean.", valueName: "name"))
    var threshold: String?

    @Option(
      name: [.customShort("p"), .customLong("parameter")],
      help: ArgumentHelp("A parameter of the rule; may be repeated.", valueName: "key=value"))
    var parameters: [String] = []

    @Option(help: ArgumentHelp("A threshold that the operator sent, instead of a rule.", valueName: "threshold.json"))
    var with: String?

    @Flag(help: "Put each client's scores on the scale of its own anchors first.")
    var calibrate = false

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder for the selection.", valueName: "dir"))
    var output: String?

    @Flag(help: "Replace the folder if it holds an earlier selection.")
    var force = false

    @Flag(help: "Print the selection as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions

    @OptionGroup var plugins: PluginOptions

    func validate() throws {
      guard with == nil || (threshold == nil && parameters.isEmpty && !calibrate) else {
        throw ValidationError("--with brings its own rule: leave --threshold, -p and --calibrate away")
      }
    }

    func run() throws {
      let table = try ScoreTable(path: scores, limits: limits.limits)
      let selection: SampleSelection
      if let with {
        selection = try SampleSelection(table, decided: DecidedThreshold(path: with, limits: limits.limits))
      } else {
        let settings = try parameters.map { try ParameterOption($0) }
        selection = try Bench(catalog: plugins.catalog, threads: 1).select(
          table, rule: threshold ?? "anchor-mean", parameters: Dictionary(settings.map { ($0.name, $0.value) }) { $1 },
          calibratesClients: calibrate)
      }
      if let output { try SelectionOutput(selection).write(to: output, replacing: force) }
      for note in selection.notes { TerminalObserver().note(note) }
      try Console.result(json ? selection.json.text(indented: true) : Console.printable(selection.text))
    }
  }

  struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare scores and a selection with labels.",
      discussion: """
        Labels are JSON Lines with "client", "id" and "clean"; other texts in them, such as "corruption", group the bad \
        samples. Labels are never an input of a score.

        Example:
          clues evaluate runs/clues/clues/scores.jsonl --labels checkpoints/labels.jsonl
        """)

    @Argument(help: ArgumentHelp("Scores, with or without a selection.", valueName: "scores"))
    var scores: String

    @Option(help: ArgumentHelp("Which samples are good.", valueName: "labels.jsonl"))
    var labels: String

    @Flag(help: "Print the figures as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions

    func run() throws {
      let evaluation = try Evaluation(
        ScoreTable(path: scores, limits: limits.limits), labels: labels, limits: limits.limits)
      try Console.result(json ? evaluation.json.text(indented: true) : Console.printable(evaluation.text))
    }
  }
}
