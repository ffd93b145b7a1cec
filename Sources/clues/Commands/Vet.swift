import ArgumentParser
import Diagnostics
import Foundation
import JSON
import Recipes
import Runs

extension Clues {
  struct Vet: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "vet",
      abstract: "Rank clients by how suspicious their adapters are.",
      usage: "clues vet <input> ... [<options>]",
      discussion: """
        It takes adapters alone: no ledgers, no gradients, no base model. Inputs are the clients' bundles; a single recipe, or \
        the folder of a run, stands for its clients. Nothing is written.

        Each client is held against the median of the others and 3 times their scaled MAD, with a floor. It stands out when \
        its norm is too long or too short (3 times at least), when the median of its cosines with the others is too low (0.25 \
        at least), when its norm in a single module is too long (10 times at least), when its update is zero, or when it has \
        the direction of another client's. Where a client of a recipe is an anchor, its steps are compared as well.

        Longer updates do not count for more, copies have one voice, and medians stand as long as the clients that collude, \
        and one more whom they may imitate, are no more than half. The cosines with the mean and with the average of all, and what leaving a client out does, are told, but \
        accuse nobody: others can bend them.

        Examples:
          clues vet in/*.tar.zst
          clues vet a/ b/ c/ --client ann --client bob --client cy
          clues vet recipes/average.yaml
          clues vet runs/merged --json | jq '.clients[] | select(.stands_out != [])'
        """)

    @Argument(
      help: ArgumentHelp("The clients' bundles; or one recipe, or one run folder.", valueName: "input"),
      completion: .file())
    var inputs: [String]

    @OptionGroup var clients: ClientOptions

    @Flag(
      name: .customLong("final-only"),
      help: "Look at the final adapters alone, and read no checkpoints for the score by trajectory.")
    var finalOnly = false

    @OptionGroup var work: ThreadOptions
    @OptionGroup var leavingOut: WithoutOptions

    @Flag(help: "Print the ranking as JSON, with how each client differs module by module.")
    var json = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var limits: LimitOptions

    func validate() throws {
      try clients.check(inputs: inputs)
    }

    func run() throws {
      let observer = Console.observer(progress.progress)
      let bench = Bench(catalog: try isolation.catalog(plugins), observer: observer, threads: work.threads)
      let vetting = try bench.vet(bench.leavingOut(leavingOut.without, of: chosenRecipe), readsCheckpoints: !finalOnly)
      for note in vetting.notes { observer.note(note) }
      try Console.result(json ? vetting.json.text(indented: true) : vetting.text(Console.page))
    }

    private var chosenRecipe: Recipe {
      get throws {
        if inputs.count == 1, clients.names.isEmpty, clients.adapters.isEmpty, Recipe.isRecipe(inputs[0]) {
          return try Recipe.read(
            path: inputs[0], overrides: limits.overrides, limits: limits.limits, interruption: Interruption.check)
        }
        let inputs = try InputArgument.all(inputs, adapters: clients.adapters)
        return try Recipe.made(
          of: [
            Override(["clients"], inputs.clients.text(), from: "the inputs"),
            Override(["score", "scorer"], "trajectory", from: "clues vet"),
          ] + clients.overrides + limits.overrides)
      }
    }
  }
}
