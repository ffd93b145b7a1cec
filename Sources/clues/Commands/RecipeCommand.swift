import ArgumentParser
import Recipes
import Workbench

extension Clues {
  struct RecipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "recipe", abstract: "Check and explain recipes.",
      subcommands: [Check.self, Schema.self, Explain.self])
  }
}

extension Clues.RecipeCommand {
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a recipe against its language and the plugins, without opening bundles.")

    @Argument(help: ArgumentHelp("The recipe.", valueName: "recipe"))
    var recipe: String

    @Option(help: ArgumentHelp("Set a value of the recipe; may be repeated.", valueName: "key=value"))
    var set: [String] = []

    @OptionGroup var plugins: PluginOptions
    @OptionGroup var limits: LimitOptions

    func run() throws {
      let recipe = try Recipe.read(
        path: recipe, overrides: set.map { try Override($0) } + limits.overrides, limits: limits.limits)
      try Bench(catalog: plugins.catalog, threads: 1).check(recipe)
      try Console.result("\(self.recipe): this recipe is in order")
    }
  }

  struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the JSON Schema of recipes, for editors.",
      discussion: """
        Example:
          clues recipe schema > recipe.schema.json
        and `# yaml-language-server: $schema=recipe.schema.json` as the first line of a recipe.
        """)

    func run() throws { try Console.result(RecipeSchema.json.text(indented: true)) }
  }

  struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what a recipe decides, defaults included.",
      discussion: """
        With --modules the bundles are opened, and the values that each module gets of the merge method's parameters are \
        printed: what lists over layers and filters come to. Values of several clients are parted by slashes.

        Example:
          clues recipe explain recipes/ties.yaml --modules
        """)

    @Argument(help: ArgumentHelp("The recipe.", valueName: "recipe"))
    var recipe: String

    @Option(help: ArgumentHelp("Set a value of the recipe; may be repeated.", valueName: "key=value"))
    var set: [String] = []

    @Flag(help: "Print the parameters of every module.")
    var modules = false

    @Flag(help: "Print the recipe with all defaults as JSON.")
    var json = false

    @OptionGroup var plugins: PluginOptions
    @OptionGroup var limits: LimitOptions

    func run() throws {
      let recipe = try Recipe.read(
        path: recipe, overrides: set.map { try Override($0) } + limits.overrides, limits: limits.limits)
      if modules {
        let table = try Bench(catalog: plugins.catalog, threads: 1).parameterTable(recipe)
        return try Console.result(json ? table.json.text(indented: true) : Console.printable(table.text))
      }
      try Console.result(json ? recipe.jsonValue.text(indented: true) : Console.printable(recipe.explanation))
    }
  }
}
