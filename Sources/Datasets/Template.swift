import Diagnostics

/// How a sample is formatted as the text that a model learned from, by name.
package enum Template: String, Sendable, CaseIterable {
  /// `<|im_start|>role … <|im_end|>`, without a system message unless the sample has one.
  case chatml
  case llama2
  case llama3
  /// `[INST] … [/INST]` of Mistral 7B Instruct v0.1 and v0.2, which do not support system messages.
  case mistral
  /// ChatML with the default message of Qwen 2.5.
  case qwen
  /// ChatML with the default message of Qwen 2.
  case qwen2
  /// ChatML whose last answer begins with its thoughts, even if empty.
  case qwen3
  /// ChatML with the default message of SmolLM2 Instruct.
  case smollm2
  /// Stanford's: "Below is an instruction that describes a task …".
  case alpaca
  /// Prompt and answer as they are.
  case plain
  /// The template of the original CLUES code for scoring: Alpaca with the input in place of the instruction, which is dropped,
  /// and with the heading of the response counted as part of it.
  case alpacaClues = "alpaca-clues"

  /// Whether it writes the beginning and end of the text itself.
  var isChat: Bool {
    switch self {
    case .alpaca, .plain, .alpacaClues: false
    default: true
    }
  }

  /// The template for a file; nil if its samples are tokens already.
  ///
  /// - parameter chatTemplate: The chat template of the model's tokenizer.
  /// - throws: ``Failure`` `usage` if one is needed, none is given, and the model does not specify one.
  package static func choose(_ named: Template?, for dataset: Dataset, chatTemplate: String?) throws -> Template? {
    try choose(named, for: dataset.form, in: dataset.path, chatTemplate: chatTemplate)
  }

  /// The same for samples of a form.
  package static func choose(
    _ named: Template?, for form: RecordForm, in path: String, chatTemplate: String?
  ) throws -> Template? {
    switch form {
    case .tokens: return nil
    case .text: return .plain
    case .completion: return named ?? .plain
    case .instruction, .turns, .conversation, .shareGPT:
      if let named { return named }
      guard let chatTemplate else {
        throw Failure(
          .usage, "the model has no chat template, so it is unknown how '\(form.rawValue)' becomes text",
          advice: "name the template that the adapter was trained with: --template \(names)", file: path)
      }
      guard let known = KnownChatTemplates.template(chatTemplate) else {
        throw Failure(
          .usage, "the model's chat template is not known to Clues",
          advice: "name the template that is equivalent to it: --template \(names); or write {input_ids, labels}",
          file: path)
      }
      return known
    }
  }

  private static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// A sample formatted by the template.
  ///
  /// - throws: ``Failure`` `badData` for what the template cannot represent.
  package func segments(of content: Record.Content) throws -> [Segment] {
    switch content {
    case .tokens: preconditionFailure("tokens have no template")
    case .text(let text): return [Segment(.beginOfText, .frame), .text(text, .answer), Segment(.endOfText, .answer)]
    case .instruction(let system, let instruction, let input, let answer):
      if !isChat {
        return try taskSegments(Task(system: system, instruction: instruction, input: input, answer: answer))
      }
      let question = [instruction, input].filter { !$0.isEmpty }.joined(separator: "\n")
      let start = system.map { [Record.Message(.system, $0)] } ?? []
      return try chatSegments(start + [.init(.user, question), .init(.assistant, answer)], given: 0)
    case .completion(let prompt, let completion):
      if isChat { return try chatSegments([.init(.user, prompt), .init(.assistant, completion)], given: 0) }
      return try taskSegments(Task(system: nil, instruction: prompt, input: nil, answer: completion))
    case .conversation(let messages, let given):
      if isChat { return try chatSegments(messages, given: given) }
      return try taskSegments(try Task(messages, template: rawValue))
    }
  }
}
