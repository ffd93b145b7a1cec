import ArgumentParser
import Bundles
import Diagnostics
import Foundation
import Runs

extension Clues {
  struct Pack: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "pack",
      abstract: "Pack a training folder into a bundle to hand in.",
      usage: "clues pack <dir> --output <bundle> [<options>]",
      discussion: """
        Packs only files that Clues knows, with a manifest of their digests, and lists what leaves this machine and what \
        stays. Gradients and optimizer states stay unless --with names them: they are large and reveal much about the \
        data. The same folder always gives the same bytes. The file name extension decides the format: .tar, .tar.gz, \
        .tar.zst, .tar.xz or .zip.

        Examples:
          clues pack runs/medical -o medical.tar.zst
          clues pack runs/medical -o medical.tar.zst --with gradients,optimizer
          clues pack runs/medical -o medical.tar.zst --without samples
          clues pack medical.zip -o medical.tar --client medical --dtype bfloat16
        """)

    @Argument(
      help: ArgumentHelp("A Trainer folder, a PEFT folder, a checkpoint, or a bundle.", valueName: "dir"),
      completion: .file())
    var source: String

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The archive to write.", valueName: "bundle"), completion: .file())
    var output: String

    @Option(
      help: ArgumentHelp(
        "What to pack that is left out by default, separated by commas: "
          + Packing.privateParts.map(\.rawValue).joined(separator: ", ") + ".", valueName: "parts"),
      completion: .list(Packing.privateParts.map(\.rawValue)))
    var with: String?

    @Option(
      help: ArgumentHelp(
        "What to leave out, separated by commas: "
          + BundleWriter.optionalParts.map(\.rawValue).joined(separator: ", ") + ".", valueName: "parts"),
      completion: .list(BundleWriter.optionalParts.map(\.rawValue)))
    var without: String?

    @Option(help: ArgumentHelp("The adapter to pack if there are several.", valueName: "name"))
    var adapter: String?

    @Option(help: ArgumentHelp("The client's name; by default that of the folder.", valueName: "name"))
    var client: String?

    @Option(help: ArgumentHelp("The client's own domain.", valueName: "name"))
    var domain: String?

    @Option(
      help: ArgumentHelp("Store the adapters in another type: float32, float16 or bfloat16.", valueName: "type"),
      completion: .list(["float32", "float16", "bfloat16"]))
    var dtype: String?

    @Flag(help: "Replace the archive if it exists.")
    var force = false

    @Flag(help: "Print the list of packed files as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions

    func run() throws {
      let input = try InputArgument.one(source, adapter: adapter)
      var packing = Packing(source: input.path, output: output)
      packing.adapter = input.adapter
      packing.leavingOut = try Packing.parts(without: without ?? "")
      packing.including = try Packing.parts(with: with ?? "")
      packing.client = client
      packing.domain = domain
      packing.dtype = try dtype.map(Packing.dtype)
      packing.replaces = force
      packing.limits = try limits.limits
      let list = try packing.run(Console.observer(progress.progress))
      if messages.quiet, !json { return }
      Console.done(json ? list.json.text(indented: true) : list.text(output: output))
    }
  }
}
