import ArgumentParser
import Workbench

extension Clues {
  struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say what a bundle, an adapter, a checkpoint or a file holds.",
      discussion: """
        Example:
          clues inspect checkpoints/medical.tar.zst
          clues inspect outputs/checkpoint-500/optimizer.pt
        """)

    @Argument(
      help: ArgumentHelp(
        "A bundle, a Trainer folder, a PEFT folder, a safetensors file, or an optimizer.pt.", valueName: "input"))
    var input: String

    @Flag(help: "Print everything as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions

    func run() throws {
      let inspection = try Inspection(input, limits: limits.limits)
      try Console.result(json ? inspection.json.text(indented: true) : Console.printable(inspection.text))
    }
  }
}
