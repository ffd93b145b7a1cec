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
    help: ArgumentHelp("A folder with plugins, looked at before all others; may be repeated.", valueName: "dir"),
    completion: .directory)
  var pluginDirs: [String] = []

  var searchPath: PluginSearchPath { get throws { try PluginSearchPath(options: pluginDirs) } }

  /// What the user lets run.
  var trust: TrustStore { get throws { try TrustStore(environment: ProcessInfo.processInfo.environment) } }

  /// What is there, none of which can be run.
  var catalog: PluginCatalog { get throws { try PluginCatalog(searchPath, trust: trust) } }
}

/// A recipe, and what the command line sets in it.
struct RecipeOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("The recipe, a YAML file; or a run to repeat, its directory or run.json.", valueName: "recipe"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var path: String

  @Option(
    help: ArgumentHelp(
      "Set a value of the recipe, as in merge.parameters.density=0.5; may be repeated.", valueName: "key=value"))
  var set: [String] = []

  func recipe(_ limits: LimitOptions) throws -> Recipe {
    try Recipe.read(
      path: path, overrides: set.map { try Override($0) } + limits.overrides, limits: limits.limits,
      interruption: Interruption.check)
  }
}

/// How plugins are run.
///
/// Groups of options do not hold others: where the parser checks itself, in debug builds, each level costs five times as
/// much time as the one above it.
struct IsolationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where plugins run that do not ship with Clues: process (shut in, each in a worker) or none (in this process, with all your rights).",
      valueName: "how"))
  var isolation: IsolationChoice = .process

  @Option(
    help: ArgumentHelp("How much memory such a plugin may take for itself, in MiB.", valueName: "MiB"))
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

  /// The plugins that are there, to be run.
  func catalog(_ plugins: PluginOptions) throws -> PluginCatalog {
    try PluginCatalog(
      plugins.searchPath, trust: plugins.trust, isolation: isolation == .none ? .none : .process(workers))
  }
}

/// How much of the machine a command takes.
struct ThreadOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How many threads work; the result does not depend on it.", valueName: "n"))
  var threads: Int = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    guard threads >= 1 else { throw ValidationError("--threads must be at least 1") }
  }
}

/// Whom a command is to do without.
struct WithoutOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Leave a client out, by its name: as if it were not among the inputs; may be repeated.", valueName: "client"))
  var without: [String] = []
}

/// A command that carries out a recipe, be it a file or made of options.
protocol MergingCommand: WorkingCommand {
  var work: ThreadOptions { get }
  var leavingOut: WithoutOptions { get }
  var plugins: PluginOptions { get }
  var isolation: IsolationOptions { get }
}

/// What comes of a recipe that is carried out, and how it is told.
struct RunOptions: ParsableArguments {
  @Flag(help: "Replace the output folder if it holds an earlier run.")
  var force = false

  @Flag(help: "Print the record of the run as JSON.")
  var json = false

  @Flag(help: "Check the recipe and the bundles and say what would be done, without doing it.")
  var dryRun = false

  /// Carries out a recipe and prints what came of it, as `command` was told to.
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
