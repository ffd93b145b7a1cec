import ArgumentParser
import Diagnostics
import PluginHost
import PluginProjects

extension Clues.Plugins {
  struct New: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "new",
      abstract: "Create a small project for a plugin of your own.",
      usage: "clues plugins new --language <language> <name> [<options>]",
      discussion: """
        The project builds with `make` and tests itself with `make test`. C, C++ and Rust need only a compiler. Swift needs \
        PluginKit: by default the one installed with this clues, or the one in the sources it was built from.

        Examples:
          clues plugins new --language c my-method
          clues plugins new --language swift --kind scorer my-scorer --into scorers/mine
        """)

    @Option(help: "The language: c, cpp, rust or swift.")
    var language: PluginProject.Language

    @Option(help: "What the plugin is: merge-method, scorer or threshold-rule.")
    var kind: PluginProject.Kind = .mergeMethod

    @Option(
      help: ArgumentHelp("The folder to write; by default one with the plugin's name.", valueName: "dir"),
      completion: .directory)
    var into: String?

    @Option(
      name: .customLong("pluginkit"),
      help: ArgumentHelp("The folder of the package PluginKit, for Swift.", valueName: "dir"), completion: .directory)
    var pluginKit: String?

    @Argument(help: ArgumentHelp("The plugin's id: lower case letters, digits, '-' and '.'.", valueName: "name"))
    var name: String

    @OptionGroup var messages: MessageOptions

    func validate() throws {
      guard pluginKit == nil || language == .swift else { throw ValidationError("--pluginkit is for Swift only") }
    }

    func run() throws {
      var package = ""
      if language == .swift {
        package =
          try pluginKit.map { try PluginKitLocation.named($0) }
          ?? PluginKitLocation.belonging(to: PluginSearchPath.executableFolder)
      }
      let project = try PluginProject(name, language: language, kind: kind, pluginKit: package)
      let folder = into ?? name
      try project.write(to: folder)
      Console.done(

        """
        The project is in \(folder); your code goes into \(project.sourcePath)

        Next:
          make -C \(folder) test
          clues plugins trust \(folder)/build/\(name).so
          clues plugins show \(name) --plugin-dir \(folder)/build
        """)
    }
  }
}

extension PluginProject.Language: ExpressibleByArgument {}
extension PluginProject.Kind: ExpressibleByArgument {}
