import ArgumentParser
import Bundles
import Diagnostics
import Foundation
import Workbench

extension Clues {
  struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Pack a training folder into a bundle to hand in.",
      discussion: """
        Only files that Clues knows go in, with a manifest of their digests. The same folder always gives the same bytes. \
        The ending decides the format: .tar, .tar.gz, .tar.zst, .tar.xz or .zip.

        Example:
          clues pack runs/medical -o medical.tar.zst --without gradients,optimizer
        """)

    @Argument(help: ArgumentHelp("A Trainer folder, a PEFT folder, a checkpoint, or a bundle.", valueName: "dir"))
    var source: String

    @Option(name: .shortAndLong, help: ArgumentHelp("The archive to write.", valueName: "bundle"))
    var output: String

    @Option(
      help: ArgumentHelp(
        "What stays on this machine, separated by commas: "
          + BundleWriter.optionalParts.map(\.rawValue).joined(separator: ", ") + ".", valueName: "parts"))
    var without: String?

    @Option(help: ArgumentHelp("The client's name; by default that of the folder.", valueName: "name"))
    var client: String?

    @Option(help: ArgumentHelp("The client's own domain.", valueName: "name"))
    var domain: String?

    @Option(help: ArgumentHelp("Store the adapters in another type: float32, float16 or bfloat16.", valueName: "type"))
    var dtype: String?

    @Flag(help: "Replace the archive if it is there.")
    var force = false

    @Flag(help: "Print what went in as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions

    func run() throws {
      var packing = Packing(source: source, output: output)
      packing.leavingOut = try Set((without ?? "").split(separator: ",").map { try Packing.part(named: String($0)) })
      packing.client = client
      packing.domain = domain
      packing.dtype = try dtype.map(Packing.dtype)
      packing.replaces = force
      packing.limits = try limits.limits
      let list = try packing.run()
      try Console.result(json ? list.json.text(indented: true) : Console.printable(list.text(output: output)))
    }
  }
}
