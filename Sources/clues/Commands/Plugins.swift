import ArgumentParser
import PluginHost

extension Clues {
  struct Plugins: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "plugins",
      abstract: "Look at merge methods, scorers and threshold rules.",
      discussion: """
        Examples:
          clues plugins list
          clues plugins show ties
        """,
      subcommands: [
        List.self, Show.self, Path.self, New.self, Check.self, Trust.self, Untrust.self, Manifest.self,
      ])
  }
}

extension Clues.Plugins {
  struct List: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "list",
      abstract: "List all plugins.",
      usage: "clues plugins list [<options>]",
      discussion: """
        Examples:
          clues plugins list
          clues plugins list --json | jq -r '.plugins[] | select(.kind == "scorer").id'
        """)

    @Flag(help: "Print the list as JSON.")
    var json = false

    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions

    func run() throws {
      let catalog = try plugins.catalog
      try Console.result(json ? catalog.json.text(indented: true) : catalog.text(Console.page))
      if messages.quiet { return }
      for problem in catalog.problems { Console.failure(problem) }
    }
  }

  struct Show: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Explain one plugin and its parameters.",
      usage: "clues plugins show <id> [<options>]",
      discussion: """
        Example:
          clues plugins show ties
        """)

    @Argument(help: ArgumentHelp("The plugin's id.", valueName: "id"), completion: .pluginIds())
    var id: String

    @Flag(help: "Print everything as JSON.")
    var json = false

    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions

    func run() throws {
      let catalog = try plugins.catalog
      let entry = try catalog.entry(id)
      try Console.result(
        json ? entry.json(in: catalog).text(indented: true) : entry.text(in: catalog, Console.page))
    }
  }

  struct Path: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "path",
      abstract: "Print the folders in which plugins are searched for.",
      discussion: """
        If several have a file of the same name, the first one counts. CLUES_PLUGIN_PATH adds absolute folders, separated by \
        colons.

        Example:
          clues plugins path
        """)

    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions

    func run() throws {
      for place in try plugins.searchPath.places {
        try Console.result("\(place.folder)  (\(place.origin.rawValue))")
      }
    }
  }
}
