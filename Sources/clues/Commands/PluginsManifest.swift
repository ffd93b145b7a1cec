import ArgumentParser
import Files
import Foundation
import PluginHost
import SystemPackage

extension Clues.Plugins {
  struct Manifest: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "manifest",
      abstract: "Print the manifest that a plugin of yours should carry.",
      discussion: """
        The manifest says what a library holds, so that others can see that without running it. The library is loaded \
        in a worker that is shut in; trusted it need not be. Put the manifest into the file with objcopy.

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
