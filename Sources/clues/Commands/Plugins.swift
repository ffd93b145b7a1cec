import ArgumentParser
import PluginHost
import Workbench

extension Clues {
  struct Plugins: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Look at merge methods, scorers and threshold rules.",
      subcommands: [List.self, Show.self, Path.self, Check.self, Trust.self, Untrust.self, Manifest.self])
  }
}

extension Clues.Plugins {
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List all plugins.")

    @Flag(help: "Print the list as JSON.")
    var json = false

    @OptionGroup var plugins: PluginOptions

    func run() throws {
      let catalog = try plugins.catalog
      try Console.result(json ? catalog.json.text(indented: true) : Console.printable(catalog.text))
      for problem in catalog.problems { Console.error(problem.description) }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Explain one plugin and its parameters.",
      discussion: """
        Example:
          clues plugins show ties
        """)

    @Argument(help: ArgumentHelp("The plugin's id.", valueName: "id"))
    var id: String

    @Flag(help: "Print everything as JSON.")
    var json = false

    @OptionGroup var plugins: PluginOptions

    func run() throws {
      let catalog = try plugins.catalog
      let entry = try catalog.entry(id)
      try Console.result(
        json ? entry.json(in: catalog).text(indented: true) : Console.printable(entry.text(in: catalog)))
    }
  }

  struct Path: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the folders that plugins are looked for in.")

    @OptionGroup var plugins: PluginOptions

    func run() throws {
      for place in try plugins.searchPath.places { try Console.result("\(place.folder)  (\(place.origin.rawValue))") }
    }
  }
}
