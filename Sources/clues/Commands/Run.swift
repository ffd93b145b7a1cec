import ArgumentParser
import Diagnostics
import Recipes
import Runs

extension Clues {
  struct Run: MergingCommand {
    static let configuration = CommandConfiguration(
      commandName: "run",
      abstract: "Carry out a recipe.",
      usage: "clues run <recipe> [<options>]",
      discussion: """
        A recipe says which clients there are and how they are scored, selected, weighed and merged. The run directory \
        holds the merged adapter, which PEFT loads as it is, and the record of how it came about (clues/run.json, \
        clues/report.html). It appears whole or not at all. A mergekit file whose models are adapters is a recipe, too, and \
        so is a run: what its record holds is carried out again.

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
          .usage, "a run that is repeated needs an output of its own", advice: "say where it goes: --output DIR",
          file: self.recipe.path)
      }
      try options.carryOut(recipe, output: output ?? recipe.outputPath(ofRecipe: self.recipe.path), by: self)
    }
  }
}
