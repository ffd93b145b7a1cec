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

    @Option(
      help: ArgumentHelp("The base model: a Hugging Face folder, or a GGUF file.", valueName: "model"),
      completion: .file())
    var base: String

    @Option(help: ArgumentHelp("The training samples.", valueName: "file"), completion: .file())
    var train: String

    @Option(
      help: ArgumentHelp("Samples that are known to be good, for the threshold.", valueName: "file"),
      completion: .file())
    var anchor: String?

    @Option(
      help: ArgumentHelp(
        "The samples that others are compared with, by domain; may be repeated.", valueName: "domain=file"))
    var validation: [String] = []

    @Option(
      help: ArgumentHelp(
        "The client's own domain, for samples without one. By default the client's name if a validation set has it, "
          + "or the only validation set's.", valueName: "name"))
    var domain: String?

    @Option(help: ArgumentHelp("A checkpoint's step; may be repeated. By default all.", valueName: "step"))
    var checkpoint: [Int] = []

    @Option(help: ArgumentHelp("The adapter to use if there are several.", valueName: "name"))
    var adapter: String?

    @Option(
      help: ArgumentHelp(
        "How samples become text: \(Template.allCases.map(\.rawValue).joined(separator: ", ")). By default as the model "
          + "says.", valueName: "name"),
      completion: .list(Template.allCases.map(\.rawValue)))
    var template: Template?

    @Option(
      help: ArgumentHelp("The tokens to compute gradients for, as in training: answer or all.", valueName: "tokens"))
    var loss: LossSpan = .answer

    @Option(
      name: .customLong("score-loss"),
      help: ArgumentHelp(
        "The tokens to measure losses over: answer or all. By default those of --loss.", valueName: "tokens"))
    var scoreLoss: LossSpan?

    @Option(
      name: .customLong("max-length"),
      help: ArgumentHelp(
        "Cut samples off after this many tokens. By default samples too long for the model are unscored.",
        valueName: "n"))
    var maxLength: Int?

    @Option(
      help: ArgumentHelp(
        "Print the first samples of each file token by token, with * for what is learned and + for what is measured, "
          + "and stop.", valueName: "n"))
    var show: Int?

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

    @OptionGroup var work: ThreadOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions

    func validate() throws {
      for text in validation where text.firstIndex(of: "=").map({ $0 == text.startIndex }) ?? true {
        throw ValidationError("--validation \(text): write DOMAIN=FILE")
      }
      let domains = sets.map(\.domain)
      guard Set(domains).count == domains.count else { throw ValidationError("--validation names a domain twice") }
      guard maxLength ?? 1 >= 1 else { throw ValidationError("--max-length must be at least 1") }
      guard show ?? 1 >= 1 else { throw ValidationError("--show must be at least 1") }
    }

    func run() throws {
      let input = try InputArgument.one(client, adapter: adapter)
      var settings = CaptureSettings(
        client: input.path, base: base, train: train, anchor: anchor, validation: sets)
      settings.domain = domain
      settings.adapter = input.adapter
      settings.checkpoints = checkpoint.isEmpty ? nil : checkpoint
      settings.template = template
      settings.loss = loss
      settings.measuredLoss = scoreLoss
      settings.maximumLength = maxLength
      settings.writesGradients = gradients
      settings.output = output
      settings.replaces = force
      settings.threads = work.threads
      settings.limits = try limits.limits
      let capture = Capture(settings, observer: Console.observer(progress.progress))
      if let show { return try Console.result(capture.listings(show)) }
      let report = try capture.run()
      if messages.quiet, !json { return }
      Console.done(json ? report.json.text(indented: true) : report.text)
    }

    /// The validation sets by domain.
    private var sets: [(domain: String, path: String)] {
      validation.compactMap { text in
        text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
      }
    }
  }
}

extension Template: ExpressibleByArgument {}
extension LossSpan: ExpressibleByArgument {}
