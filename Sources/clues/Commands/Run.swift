import ArgumentParser
import Diagnostics
import Recipes
import Runs

extension Clues {
  struct Run: MergingCommand {
    static let configuration = CommandConfiguration(
      commandName: "run",
      abstract: "Run a recipe.",
      usage: "clues run <recipe> [<options>]",
      discussion: """
        A recipe lists the clients and says how to score, select, weight and merge them. The run directory contains the \
        merged adapter, which PEFT can load directly, and the record of the run (clues/run.json, clues/report.html). It \
        appears complete or not at all. A mergekit file whose models are adapters works as a recipe too, and so does a \
        run, which is then repeated.

        Examples:
          clues run recipes/ties.yaml --output runs/ties
          clues run recipes/ties.yaml --set merge.parameters.density=0.5 --dry-run
          clues run runs/ties --output runs/ties-again
          clues run recipes/clues.yaml --json -q | jq '.merge.discarded_share'
        """)

    @OptionGroup var recipe: RecipeOptions

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The run directory, or an archive such as run.tar.zst; by default output.path of the recipe, else runs/<recipe>.",
        valueName: "dir"),
      completion: .directory)
    var output: String?

    @OptionGroup var work: ThreadOptions
    @OptionGroup var leavingOut: WithoutOptions
    @OptionGroup var options: RunOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var limits: LimitOptions

    func run() throws {
      let recipe = try recipe.recipe(limits)
      guard output != nil || !recipe.isRecorded || options.dryRun else {
        throw Failure(
          .usage, "a repeated run needs an output of its own", advice: "name one with --output DIR",
          file: self.recipe.path)
      }
      try options.carryOut(recipe, output: output ?? recipe.outputPath(ofRecipe: self.recipe.path), by: self)
    }
  }
}
