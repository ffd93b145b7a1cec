import ArgumentParser

extension Clues {
  struct Inspect: SpeakingCommand {
    static let configuration = CommandConfiguration(
      commandName: "inspect",
      abstract: "Say what a bundle, an adapter, a checkpoint or a file holds.",
      usage: "clues inspect <input> [<options>]",
      discussion: """
        Nothing in it is executed, and nothing is unpacked to disk. Of a bundle it says what Clues would use: the \
        adapter, the checkpoints, the evidence for scoring, and what is wrong or odd. Where several adapters lie in folders \
        of their own, --adapter NAME or INPUT#NAME says which one is meant.

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

    @Option(help: ArgumentHelp("The adapter that is meant where a bundle holds several.", valueName: "name"))
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
