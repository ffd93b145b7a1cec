import ArgumentParser

extension Clues {
  struct Inspect: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Show what a bundle, an adapter, a checkpoint or a file contains.",
      usage: "clues inspect <input> [<options>]",
      discussion: """
        Nothing in the input is executed or unpacked to disk. For a bundle, shows what Clues would use: the adapter, the \
        checkpoints, the evidence for scoring, and anything wrong or unusual. If several adapters are in folders of their \
        own, choose one with --adapter NAME or INPUT#NAME.

        Examples:
          clues inspect checkpoints/medical.tar.zst
          clues inspect outputs/checkpoint-500/optimizer.pt
          clues inspect merged/adapter_model.safetensors --json | jq '.tensors[].shape'
        """)

    @Argument(
      help: ArgumentHelp(
        "A bundle, a Trainer folder, a PEFT folder, a safetensors file, or an optimizer.pt.", valueName: "input"),
      completion: .file())
    var input: String

    @Option(help: ArgumentHelp("The adapter to use if a bundle holds several.", valueName: "name"))
    var adapter: String?

    @Flag(help: "Print everything as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions
    @OptionGroup var messages: MessageOptions

    func run() throws {
      let input = try InputArgument.one(input, adapter: adapter)
      let inspection = try Inspection(input, Console.page, limits: limits.limits)
      try Console.result(json ? inspection.json.text(indented: true) : inspection.text)
    }
  }
}
