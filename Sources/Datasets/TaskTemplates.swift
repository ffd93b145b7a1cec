import Diagnostics

/// One question and its answer, for templates without roles.
struct Task {
  let system: String?
  let instruction: String
  /// The input of the instruction; nil if the question is a single text.
  let input: String?
  let answer: String

  init(system: String?, instruction: String, input: String?, answer: String) {
    (self.system, self.instruction, self.input, self.answer) = (system, instruction, input, answer)
  }

  /// - throws: ``Failure`` `badData` for a conversation with more than one question and its answer.
  init(_ messages: [Record.Message], template: String) throws {
    let roles = messages.map(\.role)
    guard roles == [.user, .assistant] || roles == [.user] else {
      throw Failure(
        .badData, "has \(messages.count) messages, but the template '\(template)' has one question and one answer",
        advice: "name a template for conversations, such as chatml")
    }
    self.init(
      system: nil, instruction: messages[0].content, input: nil, answer: messages.count > 1 ? messages[1].content : "")
  }
}

extension Template {
  /// Prompt and answer formatted by a template without roles. The begin-of-text token is added if the tokenizer adds it by
  /// default, the end always: the model learns to stop.
  func taskSegments(_ task: Task) throws -> [Segment] {
    if let system = task.system, self != .plain {
      throw Failure(
        .badData,
        "has a system message, '\(system.prefix(40))', which the template '\(rawValue)' does not support",
        advice: "write it into the instruction, or leave it out")
    }
    let end = Segment(.endOfText, .answer)
    let body: [Segment]
    switch self {
    case .alpaca:
      let input = task.input ?? ""
      let head = input.isEmpty ? Self.introduction : Self.introductionWithInput
      let about = input.isEmpty ? "" : "### Input:\n\(input)\n\n"
      body = [
        .text("\(head)### Instruction:\n\(task.instruction)\n\n\(about)", .prompt), .text("### Response:\n", .frame),
        .text(task.answer, .answer), end,
      ]
    case .alpacaClues:
      body = [
        .text("\(Self.introductionWithInput)### Instruction:\n\(task.input ?? task.instruction)", .prompt),
        .text("\n\n### Response:\n\(task.answer)", .answer), end,
      ]
    default:
      // The parts of a task are on separate lines; a prompt and its completion are one text.
      let lines = [task.system, task.instruction, task.input].compactMap { $0 }.filter { !$0.isEmpty }
      let prompt = task.input == nil ? task.instruction : lines.map { $0 + "\n" }.joined()
      body = [.text(prompt, .prompt), .text(task.answer, .answer), end]
    }
    return [Segment(.beginOfText, .frame)] + body
  }

  /// Source: `stanford_alpaca/train.py`, used by everyone who trains on that data.
  private static let introduction =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
  private static let introductionWithInput =
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    + "Write a response that appropriately completes the request.\n\n"
}
