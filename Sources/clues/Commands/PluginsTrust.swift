import ArgumentParser
import Diagnostics
import Files
import Foundation
import PluginHost
import SystemPackage

extension Clues.Plugins {
  struct Trust: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "trust",
      abstract: "Allow a third-party plugin to run.",
      usage: "clues plugins trust <file> [<options>]",
      discussion: """
        Records the SHA-256 of the file in $XDG_CONFIG_HOME/clues/trusted.json (by default below ~/.config). If the file \
        changes, it is refused until it is trusted again. Trusted plugins run in sandboxed worker processes, unless you \
        pass --isolation none.

        Examples:
          clues plugins check ~/.local/share/clues/plugins/agreement.so
          clues plugins trust ~/.local/share/clues/plugins/agreement.so
        """)

    @Argument(help: ArgumentHelp("The plugin's file.", valueName: "file"), completion: .file(extensions: ["so"]))
    var file: String

    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions

    func run() throws {
      var trust = try plugins.trust
      let candidate = try UntrustedLibrary(path: FilePath(file).absolute.string, trust: trust)
      try candidate.checkThatNobodyElseCanChangeIt()
      let library = try candidate.library(isolation: .process())
      try trust.trust(
        .init(sha256: candidate.digest, path: candidate.path, library: library.name, version: library.version))
      let entries = library.entries.map { "\($0.kind.rawValue) '\($0.id)'" }.joined(separator: ", ")
      try Console.result(
        "trusted: \(library.name) \(library.version) with \(entries)\nSHA-256 \(candidate.digest)")
    }
  }

  struct Untrust: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "untrust",
      abstract: "Withdraw the trust in a plugin.",
      usage: "clues plugins untrust <file> [<options>]",
      discussion: """
        Example:
          clues plugins untrust ~/.local/share/clues/plugins/agreement.so
        """)

    @Argument(
      help: ArgumentHelp("The plugin's file, or the SHA-256 that was trusted.", valueName: "file"),
      completion: .file(extensions: ["so"]))
    var file: String

    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions

    func run() throws {
      var trust = try plugins.trust
      let path = FilePath(file).absolute.string
      var removed = try trust.untrust(file, path)
      // A file that was trusted under another name is known by its contents.
      if removed.isEmpty, let candidate = try? UntrustedLibrary(path: path, trust: trust) {
        removed = try trust.untrust(candidate.digest)
      }
      guard !removed.isEmpty else {
        throw Failure(.missingInput, "was not trusted", advice: "see `clues plugins list`", file: file)
      }
      for entry in removed {
        try Console.result(
          "no longer trusted: \(entry.library) \(entry.version), SHA-256 \(entry.sha256)")
      }
    }
  }
}
