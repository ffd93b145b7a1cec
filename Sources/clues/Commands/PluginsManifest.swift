import ArgumentParser
import Files
import Foundation
import PluginHost
import SystemPackage

extension Clues.Plugins {
  struct Manifest: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "manifest",
      abstract: "Print the manifest to embed in a plugin of yours.",
      discussion: """
        The manifest describes a library's contents, so that others can see them without running it. The library is loaded \
        in a sandboxed worker and does not have to be trusted. Embed the manifest in the file with objcopy.

        Example:
          clues plugins manifest agreement.so > manifest.json
          objcopy --add-section clues_manifest=manifest.json \\
            --set-section-flags clues_manifest=noload,readonly agreement.so
        """)

    @Argument(help: ArgumentHelp("The plugin's file.", valueName: "file"), completion: .file(extensions: ["so"]))
    var file: String

    @OptionGroup var messages: MessageOptions

    func run() throws {
      let manifest = try UntrustedLibrary.manifest(ofUnmarked: FilePath(file).absolute.string)
      try Console.result(manifest.text(indented: true))
    }
  }
}
