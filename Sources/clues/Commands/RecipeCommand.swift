import ArgumentParser
import Diagnostics
import JSON
import Recipes
import Runs

extension Clues {
  struct RecipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "recipe",
      abstract: "Check and explain recipes.",
      discussion: """
        Examples:
          clues recipe check my.yaml
          clues recipe explain my.yaml
          clues recipe schema > recipe.schema.json
        """,
      subcommands: [Check.self, Schema.self, Explain.self])
  }
}

extension Clues.RecipeCommand {
  struct Check: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Check a recipe against its language and the plugins, without opening bundles.",
      usage: "clues recipe check <recipe> [<options>]",
      discussion: """
        Reports as many mistakes at once as possible, each with its line and column. With --json they are a list on \
        standard output, for editors and CI; the exit code is the same.

        Examples:
          clues recipe check my.yaml
          clues recipe check my.yaml --set merge.method=ties
          clues recipe check my.yaml --json | jq -r '.problems[].message'
        """)

    @OptionGroup var options: RecipeOptions

    @Flag(help: "Print the mistakes as JSON.")
    var json = false

    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var limits: LimitOptions

    func run() throws {
      guard json else {
        try check()
        if !messages.quiet { try Console.result("\(oneLine(options.path)): this recipe is valid") }
        return
      }
      do {
        try check()
        try Console.result(report([]))
      } catch let failure as Failure {
        try Console.result(report(failure.all))
        throw ExitCode(failure.kind.exitCode)
      }
    }

    private func check() throws {
      try Bench(catalog: plugins.catalog, threads: 1).check(options.recipe(limits))
    }

    private func report(_ problems: [Failure]) -> String {
      let report: JSONValue = [
        "schema": "clues/recipe-check/1", "recipe": .string(options.path), "ok": .bool(problems.isEmpty),
        "problems": .array(problems.map { .object($0.json) }),
      ]
      return report.text(indented: true)
    }
  }

  struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "schema",
      abstract: "Print the JSON Schema of recipes, for editors.",
      discussion: """
        Example:
          clues recipe schema > recipe.schema.json
        and `# yaml-language-server: $schema=recipe.schema.json` as the first line of a recipe.
        """)

    func run() throws { try Console.result(RecipeSchema.json.text(indented: true)) }
  }

  struct Explain: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "explain",
      abstract: "Show what a recipe means, including defaults.",
      usage: "clues recipe explain <recipe> [<options>]",
      discussion: """
        With --modules, opens the bundles and prints the values of the merge method's parameters for each module, after \
        lists over layers and filters are applied. Values of several clients are separated by slashes.

        Examples:
          clues recipe explain recipes/ties.yaml
          clues recipe explain recipes/ties.yaml --modules
          clues recipe explain mergekit.yml --json > recipe.yaml
        """)

    @OptionGroup var options: RecipeOptions

    @Flag(help: "Print the parameters of every module.")
    var modules = false

    @Flag(help: "Print the recipe as JSON, with all defaults and absolute paths, ready to run from any folder.")
    var json = false

    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var limits: LimitOptions

    func run() throws {
      let recipe = try options.recipe(limits)
      if modules {
        let table = try Bench(catalog: plugins.catalog, threads: 1).parameterTable(recipe)
        return try Console.result(json ? table.json.text(indented: true) : table.text(Console.page))
      }
      try Console.result(
        json
          ? Bench(catalog: plugins.catalog, threads: 1).resolved(recipe).jsonValue.text(indented: true)
          : recipe.explanation(columns: Console.page.columns)
      )
    }
  }
}
