import ArgumentParser
import Capture
import Datasets
import Files

/// The base model, and how it reads samples.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The base model: a Hugging Face folder, a GGUF file, or org/name in the Hub's local cache.", valueName: "model"),
    completion: .file(), transform: HubName.path)
  var base: String

  @Option(
    help: ArgumentHelp(
      "How samples become text: \(Template.allCases.map(\.rawValue).joined(separator: ", ")). By default as the model "
        + "says.", valueName: "name"),
    completion: .list(Template.allCases.map(\.rawValue)))
  var template: Template?
}

/// How a file's samples become tokens, for training and measuring alike.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The tokens to compute gradients for, as in training: answer or all.", valueName: "tokens"))
  var loss: LossSpan = .answer

  @Option(
    name: .customLong("max-length"),
    help: ArgumentHelp(
      "Cut samples off after this many tokens. By default samples too long for the model are unscored.", valueName: "n")
  )
  var maxLength: Int?

  @Option(
    help: ArgumentHelp(
      "Take only the training samples whose ids are in this file, as clues select writes it.", valueName: "ids"),
    completion: .file())
  var keep: String?

  @Option(
    help: ArgumentHelp(
      "Print the first samples of each file token by token, with * for what is learned and + for what is measured, "
        + "and stop.", valueName: "n"))
  var show: Int?

  func validate() throws {
    guard maxLength ?? 1 >= 1 else { throw ValidationError("--max-length must be at least 1") }
    guard show ?? 1 >= 1 else { throw ValidationError("--show must be at least 1") }
  }

  func apply(to settings: inout CaptureSettings) {
    settings.loss = loss
    settings.maximumLength = maxLength
    settings.keep = keep
  }
}

/// What training samples are measured against.
struct EvidenceOptions: ParsableArguments {
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

  @Option(
    name: .customLong("score-loss"),
    help: ArgumentHelp(
      "The tokens to measure losses over: answer or all. By default those of --loss.", valueName: "tokens"))
  var scoreLoss: LossSpan?

  func validate() throws {
    for text in validation where text.firstIndex(of: "=").map({ $0 == text.startIndex }) ?? true {
      throw ValidationError("--validation \(text): write DOMAIN=FILE")
    }
    let domains = sets.map(\.domain)
    guard Set(domains).count == domains.count else { throw ValidationError("--validation names a domain twice") }
  }

  func apply(to settings: inout CaptureSettings) {
    settings.anchor = anchor
    settings.validation = sets
    settings.domain = domain
    settings.measuredLoss = scoreLoss
  }

  var isEmpty: Bool { anchor == nil && validation.isEmpty && domain == nil && scoreLoss == nil }

  /// The validation sets by domain.
  private var sets: [(domain: String, path: String)] {
    validation.compactMap { text in
      text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
    }
  }
}

extension Template: ExpressibleByArgument {}
extension LossSpan: ExpressibleByArgument {}
