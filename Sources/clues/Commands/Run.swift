import ArgumentParser
import Diagnostics
import Foundation
import Recipes

extension Clues {
  struct Run: SpeakingCommand {
    static let configuration = CommandConfiguration(
      abstract: "Carry out a recipe.",
      usage: "clues run <recipe> [<options>]",
      discussion: """
        A recipe says which clients there are and how they are scored, selected, weighed and merged. The run directory \
        holds the merged adapter, which PEFT loads as it is, and the record of how it came about (clues/run.json, \
        clues/report.html). It appears whole or not at all. A mergekit file whose models are adapters is a recipe, too.

        Examples:
          clues run recipes/ties.yaml --output runs/ties
          clues run recipes/ties.yaml --set merge.parameters.density=0.5 --dry-run
          clues run recipes/clues.yaml --json -q | jq '.merge.discarded_share'
        """)

    @Argument(
      help: ArgumentHelp("The recipe, a YAML file.", valueName: "recipe"),
      completion: .file(extensions: ["yaml", "yml"]))
    var recipe: String

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The run directory; by default output.path of the recipe, else runs/<recipe>.", valueName: "dir"),
      completion: .directory)
    var output: String?

    @Option(
      help: ArgumentHelp(
        "Set a value of the recipe, as in merge.parameters.density=0.5; may be repeated.", valueName: "key=value"))
    var set: [String] = []

    @OptionGroup var options: RunOptions
    @OptionGroup var plugins: PluginRunOptions
    @OptionGroup var limits: LimitOptions

    var messages: MessageOptions { options.messages }
    var progressStyle: ProgressStyle { options.progress.progress }

    func run() throws {
      let recipe = try Recipe.read(
        path: recipe, overrides: set.map { try Override($0) } + limits.overrides, limits: limits.limits)
      let name = URL(filePath: self.recipe).deletingPathExtension().lastPathComponent
      let output = output ?? recipe.output.value.path.map { recipe.path($0) } ?? "runs/\(name)"
      try options.carryOut(recipe, output: output, plugins: plugins)
    }
  }
}
