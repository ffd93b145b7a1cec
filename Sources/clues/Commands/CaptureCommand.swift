import ArgumentParser
import Capture
import Datasets
import Diagnostics

extension Clues {
  struct CaptureCommand: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "capture",
      abstract: "Measure a client's samples: from a model and data to a ledger.",
      usage: "clues capture <client> --base <model> --train <file> [<options>]",
      discussion: """
        At every checkpoint of the client's training folder it computes each sample's gradient and losses, and writes what \
        scoring needs of them, samples.jsonl and ledger.jsonl, into the folder. Files of samples are JSON or JSON Lines: \
        {instruction, input, output}, {prompt, completion}, {messages}, {conversations}, {text}, or {input_ids, labels}. \
        Nothing leaves this machine. Parts that a stopped or killed capture finished are not measured again.

        A CPU measures models of up to about 1.5 billion parameters in reasonable time.

        Examples:
          clues capture outputs/medical --base SmolLM2-135M --train t.jsonl --show 2
          clues capture outputs/medical --base SmolLM2-135M --train t.jsonl --anchor a.jsonl --validation medical=v.jsonl
          clues capture outputs/medical --base model.gguf --template alpaca --loss all --score-loss answer --train t.json
          clues score outputs/medical --scorer clues -p preset=calibrated -o scores.jsonl
        """)

    @Argument(help: ArgumentHelp("The client's Trainer folder.", valueName: "client"), completion: .file())
    var client: String

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("The training samples.", valueName: "file"), completion: .file())
    var train: String

    @Option(help: ArgumentHelp("A checkpoint's step; may be repeated. By default all.", valueName: "step"))
    var checkpoint: [Int] = []

    @Option(help: ArgumentHelp("The adapter to use if there are several.", valueName: "name"))
    var adapter: String?

    @Flag(help: "Write the gradients themselves, too: large, and they say much about the data.")
    var gradients = false

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "A new folder for the adapters and the evidence; by default the client's own.", valueName: "dir"),
      completion: .directory)
    var output: String?

    @Flag(help: "Replace existing evidence.")
    var force = false

    @Flag(help: "Print what was measured as JSON.")
    var json = false

    @OptionGroup var data: DataOptions
    @OptionGroup var evidence: EvidenceOptions
    @OptionGroup var work: ThreadOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions

    func run() throws {
      let input = try InputArgument.one(client, adapter: adapter)
      var settings = CaptureSettings(client: input.path, base: model.base, train: [train], anchor: nil, validation: [])
      settings.template = model.template
      data.apply(to: &settings)
      evidence.apply(to: &settings)
      settings.adapter = input.adapter
      settings.checkpoints = checkpoint.isEmpty ? nil : checkpoint
      settings.writesGradients = gradients
      settings.output = output
      settings.replaces = force
      settings.threads = work.threads
      settings.limits = try limits.limits
      let capture = Capture(settings, observer: Console.observer(progress.progress))
      if let show = data.show { return try Console.result(capture.listings(show)) }
      let report = try capture.run()
      if messages.quiet, !json { return }
      Console.done(json ? report.json.text(indented: true) : report.text)
    }
  }
}
