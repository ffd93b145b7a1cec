import Diagnostics
import JSON

/// The forms of samples, recognized by their keys.
package enum RecordForm: String, Sendable, CaseIterable {
  case conversation = "messages"
  case shareGPT = "conversations"
  case tokens = "input_ids"
  case instruction
  case completion = "prompt"
  /// Prompt and completion as the turns of a conversation.
  case turns = "prompt of messages"
  case text

  /// The keys that a sample of this form has.
  var keys: [String] {
    switch self {
    case .conversation: ["messages"]
    case .shareGPT: ["conversations"]
    case .tokens: ["input_ids", "labels"]
    case .instruction: ["instruction", "output"]
    case .completion, .turns: ["prompt", "completion"]
    case .text: ["text"]
    }
  }

  /// The keys that are used in a sample of this form.
  var knownKeys: Set<String> {
    let more: [String] =
      switch self {
      case .conversation, .shareGPT: ["system"]
      case .tokens: ["attention_mask"]
      case .instruction: ["input", "system"]
      case .completion, .turns, .text: []
      }
    return Set(keys + more + ["id", "domain"])
  }

  /// The form of a sample with these keys.
  ///
  /// - throws: ``Failure`` `badData` if there is none, or more than one.
  static func of(_ object: JSONObject) throws -> RecordForm {
    let isInTurns = object["prompt"]?.arrayValue != nil || object["completion"]?.arrayValue != nil
    let forms = allCases.filter { form in
      form.keys.allSatisfy { object[$0] != nil } && form != (isInTurns ? .completion : .turns)
    }
    // In an instruction data set, 'text' is the same sample formatted by some template.
    let meant = forms.count > 1 ? forms.filter { $0 != .text } : forms
    guard let form = meant.first else {
      if let key = allCases.first(where: { form in form.keys.contains { object[$0] != nil } }) {
        let missing = key.keys.filter { object[$0] == nil }.map { "'\($0)'" }.joined(separator: " and ")
        throw Failure(.badData, "has '\(key.keys.first { object[$0] != nil } ?? "")' but no \(missing)", advice: all)
      }
      throw Failure(.badData, "has none of the known forms of samples", advice: all)
    }
    guard meant.count == 1 else {
      let keys = meant.map { "'\($0.rawValue)'" }.joined(separator: " and ")
      throw Failure(.badData, "has \(keys), either of which could be meant", advice: "remove one of them")
    }
    return form
  }

  private static let all =
    "write {instruction, input, output}, {prompt, completion}, {messages: [{role, content}]}, {text}, or {input_ids, labels}"

  /// Refuses keys that change what is learned.
  func check(keysOf object: JSONObject) throws {
    for (key, value) in object.members where Self.telling.contains(key) && !knownKeys.contains(key) && !value.isEmpty {
      throw Failure(
        .badData, "has '\(key)', which changes what is learned and is not supported",
        advice: "write what it says into the sample itself, or leave it out")
    }
  }

  private static let telling: Set<String> = [
    "history", "tools", "functions", "images", "videos", "audios", "documents", "chosen", "rejected", "kto_tag",
    "chat_template_kwargs", "position_ids", "completion_mask", "assistant_masks", "system", "seq_idx",
  ]
}

extension JSONValue {
  /// Whether it is empty.
  fileprivate var isEmpty: Bool {
    switch self {
    case .null: true
    case .string(let text): text.isEmpty
    case .array(let values): values.isEmpty
    case .object(let object): object.isEmpty
    case .bool, .integer, .number: false
    }
  }
}
