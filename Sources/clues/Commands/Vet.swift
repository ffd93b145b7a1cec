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
        Needs only adapters: no ledgers, no gradients, no base model. Inputs are the clients' bundles, or a single recipe or \
        run folder, whose clients are used. Nothing is written.

        Each client is compared with the median of the others; a deviation counts if it exceeds 3 times their scaled MAD, and \
        a floor. A client stands out if its norm is too large or too small (at least 3 times), if the median of its cosines \
        with the others is too low (by at least 0.25), if its norm in a single module is too large (at least 10 times), if \
        its update is zero, or if it has the same direction as another client's. If a client of a recipe is an anchor, its \
        steps are compared as well.

        Longer updates do not count for more, copies count once, and medians hold as long as the colluding clients, plus one \
        more that they may imitate, are no more than half. The cosines with the mean and with the average of all, and the \
        effect of leaving a client out, are reported but accuse nobody: other clients can bend them.

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
      help: "Look only at the final adapters, and read no checkpoints for the trajectory score.")
    var finalOnly = false

    @OptionGroup var work: ThreadOptions
    @OptionGroup var leavingOut: WithoutOptions

    @Flag(help: "Print the ranking as JSON, including how each client differs in each module.")
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
