import ArgumentParser
import Datasets
import Diagnostics
import Files
import Measuring
import SystemPackage

extension Clues {
  struct MeasureCommand: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "measure",
      abstract: "Measure adapters and their base model on held-out samples.",
      usage: "clues measure <adapter> ... --base <model> --data <file> [<options>]",
      discussion: """
        It tells how well the base model and each adapter do on samples that none was trained on, by domain, and how sure the \
        differences are. Adapters are PEFT folders, merged ones, and clients' folders or archives, whose last checkpoint \
        counts. Files of samples are those of clues capture: the loss of their answers is measured. A file of \
        {question, choices, answer} is multiple choice: the share of right choices is measured.

        With --generate the models answer the questions themselves, always with the likeliest word, and their answers are \
        held against those that are due: exact match, F1, ROUGE-L and chrF. --answers writes them for a judge elsewhere, and \
        --marks takes the judge's marks in.

        A CPU measures models of up to about 1.5 billion parameters in reasonable time.

        Examples:
          clues measure merged --base SmolLM2-135M --data test.jsonl
          clues measure merged a.tar.zst b.zip --base model.gguf --data medical=m.jsonl --data legal=l.jsonl --html m.html
          clues measure merged --base SmolLM2-135M --data test.jsonl --generate --answers answers.jsonl
          clues measure merged --base SmolLM2-135M --data test.jsonl --generate --marks marks.jsonl --json
        """)

    @Argument(
      help: ArgumentHelp("Adapters: folders or archives; none for the base model alone.", valueName: "adapter"),
      completion: .file())
    var inputs: [String] = []

    @OptionGroup var clients: ClientOptions

    @OptionGroup var model: ModelOptions

    @Flag(name: .customLong("no-base"), help: "Do not measure the base model by itself.")
    var withoutBase = false

    @Option(
      help: ArgumentHelp(
        "Held-out samples, as file or as domain=file; may be repeated. Without a domain, samples have their own, or the "
          + "file's name.", valueName: "file"))
    var data: [String] = []

    @Option(help: ArgumentHelp("The tokens that losses are measured over: answer or all.", valueName: "tokens"))
    var loss: LossSpan = .answer

    @Option(
      name: .customLong("max-length"),
      help: ArgumentHelp(
        "Cut samples off at so many tokens. By default those that the model cannot take are left out.", valueName: "n"))
    var maxLength: Int?

    @Flag(help: "Let the models answer the questions.")
    var generate = false

    @Option(
      name: .customLong("max-new-tokens"),
      help: ArgumentHelp("How many tokens an answer has at the most.", valueName: "n"))
    var maxNewTokens = 128

    @Option(
      help: ArgumentHelp(
        "Write prompts, references and answers as JSON Lines; goes with --generate.", valueName: "file"),
      completion: .file())
    var answers: String?

    @Option(
      help: ArgumentHelp("Marks of answers, {id, adapter, mark} a line, for the table.", valueName: "file"),
      completion: .file())
    var marks: String?

    @Option(
      help: ArgumentHelp("Write what each model made of each sample as JSON Lines.", valueName: "file"),
      completion: .file())
    var samples: String?

    @Option(
      help: ArgumentHelp("Write a page with pictures.", valueName: "file"), completion: .file(extensions: ["html"]))
    var html: String?

    @Option(help: ArgumentHelp("How often the samples are drawn anew for intervals.", valueName: "n"))
    var draws = 2000

    @Option(help: ArgumentHelp("What the draws follow from.", valueName: "n"))
    var seed: UInt64 = 0

    @Flag(help: "Replace files that are there.")
    var force = false

    @Flag(help: "Print the figures as JSON.")
    var json = false

    @OptionGroup var work: ThreadOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions

    func validate() throws {
      guard !data.isEmpty else { throw ValidationError("give held-out samples: --data FILE or --data DOMAIN=FILE") }
      guard maxLength ?? 1 >= 1 else { throw ValidationError("--max-length must be at least 1") }
      guard (1...100_000).contains(maxNewTokens) else {
        throw ValidationError("--max-new-tokens must be from 1 to 100000")
      }
      guard (1...100_000).contains(draws) else { throw ValidationError("--draws must be from 1 to 100000") }
      guard answers == nil || generate else { throw ValidationError("--answers goes with --generate") }
      guard !withoutBase || !inputs.isEmpty else { throw ValidationError("give adapters, or leave --no-base out") }
      try clients.check(inputs: inputs)
    }

    func run() throws {
      let inputs = try InputArgument.all(inputs, adapters: clients.adapters)
      var settings = MeasureSettings(
        inputs: inputs.enumerated().map { place, input in
          .init(path: input.path, adapter: input.adapter, name: clients.names.isEmpty ? nil : clients.names[place])
        }, base: model.base, data: data.map(Self.split))
      settings.measuresBase = !withoutBase
      settings.template = model.template
      settings.loss = loss
      settings.maximumLength = maxLength
      settings.answerTokens = generate ? maxNewTokens : nil
      (settings.draws, settings.seed) = (draws, seed)
      (settings.samplesFile, settings.answersFile, settings.page) = (samples, answers, html)
      settings.marksFile = marks
      settings.replaces = force
      settings.threads = work.threads
      settings.limits = try limits.limits
      let record = try Measurement(settings, observer: Console.observer(progress.progress)).run()
      try Console.result(json ? record.json.text(indented: true) : record.text(Console.page))
    }

    /// `DOMAIN=FILE`, or a file; what is there as it is written is a file, whatever its name has in it.
    private static func split(_ text: String) -> (domain: String?, path: String) {
      guard let mark = text.firstIndex(of: "="), mark != text.startIndex, !text[..<mark].contains("/"),
        !FilePath(text).exists
      else { return (nil, text) }
      return (String(text[..<mark]), String(text[text.index(after: mark)...]))
    }
  }
}
