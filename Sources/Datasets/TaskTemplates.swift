import Diagnostics

/// One question and its answer, for templates without roles.
struct Task {
  let system: String?
  let instruction: String
  /// What the instruction is about; nil where the question is one text.
  let input: String?
  let answer: String

  init(system: String?, instruction: String, input: String?, answer: String) {
    (self.system, self.instruction, self.input, self.answer) = (system, instruction, input, answer)
  }

  /// - throws: ``Failure`` `badData` for a conversation of more than one question and its answer.
  init(_ messages: [Record.Message], template: String) throws {
    let roles = messages.map(\.role)
    guard roles == [.user, .assistant] || roles == [.user] else {
      throw Failure(
        .badData, "has \(messages.count) messages, and the template '\(template)' has one question and one answer",
        advice: "name a template of conversations, such as chatml")
    }
    self.init(
      system: nil, instruction: messages[0].content, input: nil, answer: messages.count > 1 ? messages[1].content : "")
  }
}

extension Template {
  /// Prompt and answer in the words of a template without roles. The begin of the text is there if the tokenizer puts it
  /// there of itself, the end always: the model learns to stop.
  func taskSegments(_ task: Task) throws -> [Segment] {
    if let system = task.system, self != .plain {
      throw Failure(
        .badData,
        "has a message of the system, '\(system.prefix(40))', for which the template '\(rawValue)' has no place",
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
      // Of a task the parts stand on lines of their own; a prompt and how it goes on are one text.
      let lines = [task.system, task.instruction, task.input].compactMap { $0 }.filter { !$0.isEmpty }
      let prompt = task.input == nil ? task.instruction : lines.map { $0 + "\n" }.joined()
      body = [.text(prompt, .prompt), .text(task.answer, .answer), end]
    }
    return [Segment(.beginOfText, .frame)] + body
  }

  /// Source: `stanford_alpaca/train.py`, as all who train on that data write it.
  private static let introduction =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
  private static let introductionWithInput =
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    + "Write a response that appropriately completes the request.\n\n"
}
