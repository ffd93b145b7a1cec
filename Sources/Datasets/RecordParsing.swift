import Diagnostics
import JSON

extension Record.Content {
  /// Reads a sample of a form.
  ///
  /// - throws: ``Failure`` `badData` that names the key.
  init(_ object: JSONObject, as form: RecordForm) throws {
    switch form {
    case .instruction:
      self = .instruction(
        system: try object.optionalText("system"), instruction: try object.text("instruction"),
        input: try object.text("input"), answer: try object.text("output"))
    case .completion:
      self = .completion(prompt: try object.text("prompt"), completion: try object.text("completion"))
    case .turns:
      let prompt = try object.messages("prompt", speaker: "role", words: "content")
      let completion = try object.messages("completion", speaker: "role", words: "content")
      self = .conversation(prompt + completion, given: prompt.count)
    case .text: self = .text(try object.text("text"))
    case .conversation:
      let messages = try object.messages("messages", speaker: "role", words: "content")
      self = .conversation(try Self.adding(try object.optionalText("system"), to: messages), given: 0)
    case .shareGPT:
      let messages = try object.messages("conversations", speaker: "from", words: "value")
      self = .conversation(try Self.adding(try object.optionalText("system"), to: messages), given: 0)
    case .tokens: self = try Self.tokens(object)
    }
  }

  private static func adding(_ system: String?, to messages: [Record.Message]) throws -> [Record.Message] {
    guard let system else { return messages }
    guard messages.first?.role != .system else {
      throw Failure(.badData, "has a 'system' beside a message of the system", advice: "leave one of them out")
    }
    return [Record.Message(.system, system)] + messages
  }

  private static func tokens(_ object: JSONObject) throws -> Self {
    let ids = try object.wholeNumbers("input_ids")
    let labels = try object.wholeNumbers("labels")
    guard ids.count == labels.count else {
      throw Failure(.badData, "has \(ids.count) 'input_ids' but \(labels.count) 'labels'")
    }
    var kept = ids.indices
    if object["attention_mask"] != nil {
      let mask = try object.wholeNumbers("attention_mask")
      guard mask.count == ids.count, mask.allSatisfy({ $0 == 0 || $0 == 1 }) else {
        throw Failure(.badData, "has an 'attention_mask' that is not one 0 or 1 for each of its \(ids.count) tokens")
      }
      kept = (mask.firstIndex(of: 1) ?? 0)..<(mask.lastIndex(of: 1).map { $0 + 1 } ?? 0)
      guard mask[kept].allSatisfy({ $0 == 1 }) else {
        throw Failure(
          .badData, "has an 'attention_mask' with zeros between ones",
          advice: "write one sample a row, without padding inside")
      }
    }
    for place in ids.indices where labels[place] != Self.unlearned {
      guard kept.contains(place) else {
        throw Failure(.badData, "has a label at token \(place), which its 'attention_mask' hides")
      }
      guard labels[place] == ids[place] else {
        let isShifted = place + 1 < ids.count && labels[place] == ids[place + 1]
        throw Failure(
          .badData, "has the label \(labels[place]) at token \(place), whose id is \(ids[place])",
          advice: isShifted
            ? "labels stand at the tokens themselves: it is the model that shifts them"
            : "write the token's own id, or -100 where nothing is learned")
      }
    }
    return .tokens(
      try kept.map { place in
        guard let id = Int32(exactly: ids[place]), id >= 0 else {
          throw Failure(.badData, "has the token id \(ids[place]), which no vocabulary has")
        }
        return id
      }, learned: kept.map { labels[$0] != Self.unlearned })
  }

  /// The label of a token that is not learned, as PyTorch has it.
  private static let unlearned = -100
}

extension JSONObject {
  /// A text; an empty one where there is null or nothing.
  fileprivate func text(_ key: String) throws -> String { try optionalText(key) ?? "" }

  /// A text; nil where there is null, nothing, or no letter.
  fileprivate func optionalText(_ key: String) throws -> String? {
    switch self[key] {
    case .string(let text)?: return text.isEmpty ? nil : text
    case nil, .null?: return nil
    case let other?: throw Failure(.badData, "has \(other.kindName) as '\(key)' where a text is expected")
    }
  }

  fileprivate func wholeNumbers(_ key: String) throws -> [Int] {
    guard let values = self[key]?.arrayValue else {
      throw Failure(
        .badData, "has \(self[key]?.kindName ?? "nothing") as '\(key)' where a list of whole numbers is expected")
    }
    return try values.enumerated().map { place, value in
      guard let number = value.intValue else {
        throw Failure(.badData, "has \(value.kindName) at place \(place) of '\(key)' where a whole number is expected")
      }
      return number
    }
  }

  fileprivate func messages(_ key: String, speaker: String, words: String) throws -> [Record.Message] {
    guard let values = self[key]?.arrayValue else {
      throw Failure(
        .badData, "has \(self[key]?.kindName ?? "nothing") as '\(key)' where a list of messages is expected")
    }
    return try values.enumerated().map { place, value in
      let name = "message \(place + 1)"
      guard let message = value.objectValue else {
        throw Failure(.badData, "\(name) is \(value.kindName) where {\(speaker), \(words)} is expected")
      }
      for key in ["tool_calls", "function_call", "weight", "train", "reasoning_content"] {
        guard let value = message[key], !value.isNull else { continue }
        throw Failure(
          .badData, "\(name) has '\(key)', which changes what is learned and is not understood",
          advice: "write what it says into the message itself, or leave it out")
      }
      guard let role = message[speaker]?.stringValue else {
        throw Failure(.badData, "\(name) has no '\(speaker)' that is a text")
      }
      guard let known = Self.roles[role] else {
        throw Failure(
          .badData, "\(name) is by '\(role)', whose turns no template here can write",
          advice: "known are system, user (human) and assistant (gpt)")
      }
      switch message[words] {
      case .string(let text)?: return Record.Message(known, text)
      case let other:
        throw Failure(.badData, "\(name) has \(other?.kindName ?? "nothing") as '\(words)' where a text is expected")
      }
    }
  }

  private static var roles: [String: Record.Role] {
    ["system": .system, "user": .user, "human": .user, "assistant": .assistant, "gpt": .assistant]
  }
}
