import ArgumentParser
import Diagnostics
import Foundation
import PluginHost
import Recipes
import Runs

/// Where plugins come from.
struct PluginOptions: ParsableArguments {
  @Option(
    name: .customLong("plugin-dir"),
    help: ArgumentHelp("A folder with plugins, searched before all others; can be repeated.", valueName: "dir"),
    completion: .directory)
  var pluginDirs: [String] = []

  var searchPath: PluginSearchPath { get throws { try PluginSearchPath(options: pluginDirs) } }

  /// The libraries that the user trusts.
  var trust: TrustStore { get throws { try TrustStore(environment: ProcessInfo.processInfo.environment) } }

  /// What is available, none of it runnable.
  var catalog: PluginCatalog { get throws { try PluginCatalog(searchPath, trust: trust) } }
}

/// A recipe, and the settings from the command line.
struct RecipeOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The recipe, a YAML file; or a run to repeat, its directory or run.json.", valueName: "recipe"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var path: String

  @Option(
    help: ArgumentHelp(
      "Set a value of the recipe, as in merge.parameters.density=0.5; can be repeated.", valueName: "key=value"))
  var set: [String] = []

  func recipe(_ limits: LimitOptions) throws -> Recipe {
    try Recipe.read(
      path: path, overrides: set.map { try Override($0) } + limits.overrides, limits: limits.limits,
      interruption: Interruption.check)
  }
}

/// How plugins are run.
///
/// Option groups are not nested: in debug builds, where the parser checks itself, each level takes five times as long as
/// the one above it.
struct IsolationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where third-party plugins run: process (each in a sandboxed worker) or none (in this process, with all your rights).",
      valueName: "how"))
  var isolation: IsolationChoice = .process

  @Option(
    help: ArgumentHelp("How much private memory such a plugin may use, in MiB.", valueName: "MiB"))
  var pluginMemory: Int = 4096

  @Option(help: ArgumentHelp("How long one call of such a plugin may take, in seconds.", valueName: "s"))
  var pluginTime: Int = 600

  enum IsolationChoice: String, ExpressibleByArgument, CaseIterable {
    case process, none
  }

  func validate() throws {
    guard (1...1 << 20).contains(pluginMemory) else {
      throw ValidationError("--plugin-memory must be from 1 to \(1 << 20) MiB")
    }
    guard (1...1_000_000).contains(pluginTime) else {
      throw ValidationError("--plugin-time must be from 1 to 1000000 seconds")
    }
  }

  private var workers: WorkerSettings {
    WorkerSettings(memory: UInt64(pluginMemory) << 20, time: .seconds(pluginTime))
  }

  /// The available plugins, runnable.
  func catalog(_ plugins: PluginOptions) throws -> PluginCatalog {
    try PluginCatalog(
      plugins.searchPath, trust: plugins.trust, isolation: isolation == .none ? .none : .process(workers))
  }
}

/// How much of the machine a command uses.
struct ThreadOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The number of threads; the result does not depend on it.", valueName: "n"))
  var threads: Int = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    guard threads >= 1 else { throw ValidationError("--threads must be at least 1") }
  }
}

/// Clients to leave out.
struct WithoutOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Leave out the client with this name, as if it were not among the inputs; can be repeated.", valueName: "client"))
  var without: [String] = []
}

/// A command that runs a recipe, read from a file or made from options.
protocol MergingCommand: WorkingCommand {
  var work: ThreadOptions { get }
  var leavingOut: WithoutOptions { get }
  var plugins: PluginOptions { get }
  var isolation: IsolationOptions { get }
}

/// What to do with the result of a recipe.
struct RunOptions: ParsableArguments {
  @Flag(help: "Replace the output folder if it holds an earlier run.")
  var force = false

  @Flag(help: "Print the record of the run as JSON.")
  var json = false

  @Flag(help: "Check the recipe and the bundles and show what would be done, without doing it.")
  var dryRun = false

  /// Runs a recipe and prints the result according to the options of `command`.
  func carryOut(_ recipe: Recipe, output: String, by command: some MergingCommand) throws {
    let bench = Bench(
      catalog: try command.isolation.catalog(command.plugins), observer: Console.observer(command.progress.progress),
      threads: command.work.threads)
    let recipe = try bench.leavingOut(command.leavingOut.without, of: recipe)
    if dryRun {
      let plan = try bench.plan(recipe)
      try Console.result(json ? plan.json.text(indented: true) : plan.text(Console.page))
      return
    }
    let outcome = try bench.run(recipe, output: output, replacing: force)
    if json {
      Console.done(outcome.json.text(indented: true))
    } else if !command.messages.quiet {
      let place = oneLine(output)
      Console.done(
        outcome.summary(Console.page) + "\n\n"
          + (outcome.merge == nil ? "The scores are in \(place)/clues" : "The merged adapter is in \(place)"))
    }
  }
}
