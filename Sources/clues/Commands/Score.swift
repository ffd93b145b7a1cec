import ArgumentParser
import Diagnostics
import Foundation
import JSON
import Recipes
import Runs

extension Clues {
  struct Score: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "score",
      abstract: "Score the clients' samples from their evidence.",
      usage: "clues score [<input> ...] (--scorer <name> | --recipe <file>) [<options>]",
      discussion: """
        Higher is better. The result is JSON Lines, one object per sample, in the order of the evidence; a second file \
        records the origin of the scores. With a recipe, uses its scorers, on its clients or on the inputs given here.

        Examples:
          clues score checkpoints/medical.tar.zst --scorer clues -p preset=calibrated -o scores.jsonl
          clues score my-run/ --recipe recipes/clues-calibrated.yaml -o scores.jsonl
          clues score x/out y/out --client x --client y --scorer trajectory
          clues score my-run/ --scorer perplexity -q | jq -r 'select(.score < -2) | .id'
        """)

    @Argument(help: ArgumentHelp("The clients' bundles.", valueName: "input"), completion: .file())
    var inputs: [String] = []

    @Option(help: ArgumentHelp("The scorer.", valueName: "name"), completion: .pluginIds(.scorer))
    var scorer: String?

    @Option(
      name: [.customShort("p"), .customLong("parameter")],
      help: ArgumentHelp("A parameter of the scorer; can be repeated.", valueName: "key=value"),
      completion: .parameters(of: "--scorer"))
    var parameters: [String] = []

    @OptionGroup var clients: ClientOptions

    @Option(
      help: ArgumentHelp("Use the scorers of this recipe.", valueName: "recipe"),
      completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String?

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The file of scores; by default standard output.", valueName: "file"),
      completion: .file(extensions: ["jsonl"]))
    var output: String?

    @OptionGroup var work: ThreadOptions

    @Flag(
      name: .customLong("anchors-only"),
      help: "Write only the anchors' scores, which is all an operator needs for a threshold from anchors.")
    var anchorsOnly = false

    @Flag(help: "Replace the file of scores if it exists.")
    var force = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var isolation: IsolationOptions

    @OptionGroup var limits: LimitOptions

    func validate() throws {
      guard (scorer == nil) != (recipe == nil) else { throw ValidationError("give either --scorer or --recipe") }
      guard recipe == nil || parameters.isEmpty else {
        throw ValidationError("-p can be used with --scorer, not with --recipe")
      }
      guard recipe != nil || !inputs.isEmpty else { throw ValidationError("give the bundles to score") }
      guard !inputs.isEmpty || clients.names.isEmpty else {
        throw ValidationError("--client names inputs, and there are none; a recipe names its own clients")
      }
      try clients.check(inputs: inputs)
      guard clients.adapters.isEmpty || !inputs.isEmpty else {
        throw ValidationError("--adapter is for inputs given here; a recipe has 'adapter:' for each client")
      }
    }

    func run() throws {
      if let output { try ScoresOutput.check(output, replacing: force) }
      let observer = Console.observer(progress.progress)
      let scored = try Bench(catalog: isolation.catalog(plugins), observer: observer, threads: work.threads).score(
        chosenRecipe)
      for note in scored.notes { observer.note(note) }
      let table = try anchorsOnly ? scored.table.anchorsAlone() : scored.table
      if let output {
        try ScoresOutput(table).write(to: output, replacing: force)
        if !messages.quiet { Console.done("\(table.rows.count) scores are in \(oneLine(output))") }
      } else {
        try Console.result(table.text, terminator: "")
      }
    }

    private var chosenRecipe: Recipe {
      get throws {
        let inputs = try InputArgument.all(inputs, adapters: clients.adapters)
        if let recipe {
          // Inputs given here replace the recipe's clients; its selection and merge are ignored.
          return try Recipe.read(path: recipe, overrides: limits.overrides, limits: limits.limits).scoringOnly(
            inputs: inputs.map(\.path), names: clients.names, adapters: inputs.map(\.adapter))
        }
        let bundles = inputs.clients.text()
        var settings = [
          try Override(["clients"], bundles, from: "the inputs"),
          try Override(["score", "scorer"], scorer ?? "", from: "--scorer \(scorer ?? "")"),
        ]
        settings += try clients.overrides
        settings += try parameters.map { try Override(parameter: $0, of: ["score", "parameters"]) }
        return try Recipe.made(of: settings + limits.overrides)
      }
    }
  }
}
