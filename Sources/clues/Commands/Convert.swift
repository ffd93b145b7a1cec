import ArgumentParser
import Diagnostics
import Files
import Recipes
import Runs

extension Clues {
  struct Convert: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract: "Write an adapter as one GGUF file, for llama.cpp and what is built on it.",
      usage: "clues convert <adapter> --base <model> --output <file.gguf> [<options>]",
      discussion: """
        The adapter is a PEFT folder, a merged one, or a client's bundle. GGUF names the matrices of a model, and orders \
        their rows, by its architecture, so the base model is needed: its folder, its config.json or a GGUF file of it; \
        its weights are not read. With 16-bit types llama.cpp also rounds what A and B are multiplied by. \
        `clues merge --format gguf` writes such a file at once.

        Examples:
          clues convert merged --base SmolLM2-135M -o merged.gguf
          clues convert medical.tar.zst --base SmolLM2-135M.Q8_0.gguf --dtype float16 -o medical.gguf
          llama-cli -m SmolLM2-135M.Q8_0.gguf --lora merged.gguf
        """)

    @Argument(help: ArgumentHelp("The adapter: a folder or an archive.", valueName: "adapter"), completion: .file())
    var source: String

    @Option(
      help: ArgumentHelp("The base model: its folder, its config.json, or a GGUF file.", valueName: "model"),
      completion: .file(), transform: HubName.path)
    var base: String

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"),
      completion: .file(extensions: ["gguf"]))
    var output: String

    @Option(help: ArgumentHelp("The adapter to convert if there are several.", valueName: "name"))
    var adapter: String?

    @Option(
      help: ArgumentHelp("The type of A and B: float32, float16 or bfloat16.", valueName: "type"),
      completion: .list(["float32", "float16", "bfloat16"]))
    var dtype = "float32"

    @Flag(help: "Replace the file if it exists.")
    var force = false

    @Flag(help: "Print what was written as JSON.")
    var json = false

    @OptionGroup var limits: LimitOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions

    func run() throws {
      let input = try InputArgument.one(source, adapter: adapter)
      var conversion = Conversion(source: input.path, output: output, base: base)
      conversion.adapter = input.adapter
      conversion.dtype = try Packing.dtype(named: dtype)
      conversion.replaces = force
      conversion.limits = try limits.limits
      let report = try conversion.run(Console.observer(progress.progress))
      if messages.quiet, !json { return }
      Console.done(
        json
          ? report.json.text(indented: true)
          : "written to \(output): \(report.layers) layers of rank \(report.rank) for \(report.architecture), \(size(report.bytes))"
      )
    }
  }
}
