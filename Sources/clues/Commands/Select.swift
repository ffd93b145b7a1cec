import ArgumentParser
import Diagnostics
import Foundation
import JSON
import Recipes
import Runs
import Scoring

extension Clues {
  struct Select: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "select",
      abstract: "Decide which scored samples are kept.",
      usage: "clues select <scores>... [--threshold <name>] [<options>]",
      discussion: """
        A sample is kept if its score is at least the threshold. Without -o, nothing is written. With it, the folder gets \
        clues/selected/CLIENT.txt, the ids of the kept samples in order; clues/scores.jsonl, the scores with the \
        decision; and clues/threshold.json. An operator sends threshold.json to the clients; a client applies it to \
        its own scores using --with.

        Several files, one from each client, are pooled as if one run had scored all clients: combined scorers are \
        standardised by the anchors of all files. So evidence never has to leave a client.

        If scores are combined by shortfall, the result shows by which scorer each client's dropped samples fall short \
        most, and how many; "(above)" means too far above the anchors. scores.jsonl has this for every sample.

        Anchors are known-good samples, which most rules use. The anchor offset is the distance of the mean of a client's \
        anchors from that of all anchors. "moves threshold" shows how far the client's anchors move the others' \
        threshold, in standard deviations of the others' anchors: the threshold with them minus that without them.

        To show how certain the threshold is, it is recomputed 200 times from anchors drawn with replacement within each \
        client (from training samples, if the rule uses those), and, if three or more clients have anchors, from whole \
        clients drawn the same way. The table shows the range of the threshold in 9 of 10 draws, in scores and in \
        standard deviations of the anchors from their mean, and how many samples are decided differently in more than \
        one draw in ten. Drawing ten more anchors of each client, or one more client, shows what more of them would change.

        Examples:
          clues select scores.jsonl --threshold anchor-sigma -p k=1 -o selection
          clues select scores.jsonl --recipe recipes/clues-calibrated.yaml -o selection
          clues select medical.jsonl financial.jsonl --threshold anchor-sigma -o selection
          clues select my-scores.jsonl --with threshold.json -o selection
          clues score my-run/ --scorer clues -q | clues select - --threshold otsu
        """)

    @Argument(
      help: ArgumentHelp(
        "Scores from `clues score`, in one file or one per client; - reads standard input.",
        valueName: "scores"),
      completion: .file(extensions: ["jsonl"]))
    var scores: [String]

    @Option(
      help: ArgumentHelp("The threshold rule; by default anchor-mean.", valueName: "name"),
      completion: .pluginIds(.thresholdRule))
    var threshold: String?

    @Option(
      name: [.customShort("p"), .customLong("parameter")],
      help: ArgumentHelp("A parameter of the rule; can be repeated.", valueName: "key=value"),
      completion: .parameters(of: "--threshold", otherwise: "anchor-mean"))
    var parameters: [String] = []

    @Option(
      help: ArgumentHelp("Use the selection of this recipe.", valueName: "recipe"),
      completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String?

    @Option(
      help: ArgumentHelp("A threshold sent by the operator, instead of a rule.", valueName: "threshold.json"),
      completion: .file(extensions: ["json"]))
    var with: String?

    @Flag(help: "First scale each client's scores by its own anchors.")
    var calibrate = false

    @Option(
      help: ArgumentHelp(
        "How many draws to use for the certainty of the threshold, 0 for none; by default 200, or as in the recipe.",
        valueName: "n"))
    var draws: Int?

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp("The folder for the selection; without it nothing is written.", valueName: "dir"),
      completion: .directory)
    var output: String?

    @Flag(help: "Replace the folder if it holds an earlier selection.")
    var force = false

    @Flag(help: "Print the selection as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var isolation: IsolationOptions

    func validate() throws {
      guard draws ?? 0 >= 0 else { throw ValidationError("--draws must be at least 0") }
      guard recipe == nil || (with == nil && threshold == nil && parameters.isEmpty && !calibrate) else {
        throw ValidationError("--recipe has its own rule: omit --threshold, -p, --calibrate and --with")
      }
      guard with == nil || (threshold == nil && parameters.isEmpty && !calibrate && draws == nil) else {
        throw ValidationError("--with has its own rule: omit --threshold, -p, --calibrate and --draws")
      }
    }

    func run() throws {
      let isOne = scores.count == 1
      let table = try ScoreTable(files: scores, limits: limits.limits)
      let selection: SampleSelection
      if let with {
        selection = try SampleSelection(table, decided: DecidedThreshold(path: with, limits: limits.limits))
      } else if let recipe {
        let recipe = try Recipe.read(path: recipe, overrides: limits.overrides, limits: limits.limits)
        selection = try bench.select(table, by: recipe, draws: draws)
        if let note = table.note(against: recipe) { Console.note(note) }
      } else {
        let settings = try parameters.map { try ParameterSetting(option: $0) }
        selection = try bench.select(
          table, rule: threshold ?? "anchor-mean", parameters: Dictionary(settings.map { ($0.name, $0.value) }) { $1 },
          calibratesClients: calibrate, draws: draws)
      }
      if let output { try SelectionOutput(selection).write(to: output, replacing: force) }
      let notes =
        (isOne ? [] : [table.domainNote]).compactMap { $0 } + selection.notes
        + (output == nil ? [] : [selection.originNote].compactMap { $0 })
      for note in notes { Console.note(note) }
      let say = output == nil ? { try Console.result($0) } : { Console.done($0) }
      if json { return try say(selection.json.text(indented: true)) }
      // With -q the table is wanted only if it is the only result.
      if messages.quiet, output != nil { return }
      let place =
        output.map { "The selection is in \(oneLine($0))/clues" } ?? "Nothing was written; -o DIR writes the selection."
      try say(selection.text(Console.page) + (messages.quiet ? "" : "\n\n" + place))
    }

    private var bench: Bench {
      get throws {
        Bench(
          catalog: try isolation.catalog(plugins), observer: Console.observer(progress.progress),
          threads: ProcessInfo.processInfo.activeProcessorCount)
      }
    }
  }

  struct Evaluate: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "evaluate",
      abstract: "Compare scores and a selection with labels.",
      usage: "clues evaluate <scores>... --labels <labels.jsonl> [<options>]",
      discussion: """
        Labels are JSON Lines with "client", "id" and "clean"; other texts in them, such as "corruption", group the bad \
        samples. Labels never affect a score.

        Several files, one from each client, are pooled as `clues select` does. Labels of clients of which no scores are \
        given are left out, and a note names these clients.

        Examples:
          clues evaluate runs/clues/clues/scores.jsonl --labels checkpoints/labels.jsonl
          clues evaluate medical.jsonl financial.jsonl --labels checkpoints/labels.jsonl
        """)

    @Argument(
      help: ArgumentHelp(
        "Scores, with or without a selection, in one file or one per client; - reads standard input.",
        valueName: "scores"),
      completion: .file(extensions: ["jsonl"]))
    var scores: [String]

    @Option(
      help: ArgumentHelp("The labels, which say which samples are good.", valueName: "labels.jsonl"),
      completion: .file(extensions: ["jsonl"])
    )
    var labels: String

    @Flag(help: "Print the figures as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions
    @OptionGroup var messages: MessageOptions

    func run() throws {
      let table = try ScoreTable(files: scores, limits: limits.limits)
      let evaluation = try Evaluation(
        table.isUncombined ? table.standardised() : table, labels: labels, limits: limits.limits)
      if let note = evaluation.note { Console.note(note) }
      try Console.result(json ? evaluation.json.text(indented: true) : evaluation.text(Console.page))
    }
  }
}
