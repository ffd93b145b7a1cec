import Diagnostics

extension Template {
  /// A conversation as the family's chat template writes it.
  ///
  /// - parameter given: The number of messages that are not learned, whatever their role.
  /// - throws: ``Failure`` `badData` if the family's template also refuses the conversation.
  func chatSegments(_ messages: [Record.Message], given: Int) throws -> [Segment] {
    guard !messages.isEmpty else { throw Failure(.badData, "has no messages") }
    switch self {
    case .llama2: return try Self.llama2(messages, given)
    case .mistral: return try Self.mistral(messages, given)
    case .llama3: return Self.llama3(messages, given)
    case .qwen3: return Self.qwen3(messages, given)
    case .qwen:
      return Self.chatml(
        messages, given, system: "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.")
    case .qwen2: return Self.chatml(messages, given, system: "You are a helpful assistant.")
    case .smollm2:
      return Self.chatml(
        messages, given, system: "You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    default: return Self.chatml(messages, given, system: nil)
    }
  }

  /// The parts of a turn: of its head and of its content.
  private static func parts(_ message: Record.Message, _ place: Int, _ given: Int) -> (
    head: Segment.Part, said: Segment.Part
  ) {
    message.role == .assistant && place >= given ? (.frame, .answer) : (.prompt, .prompt)
  }

  private static func chatml(_ messages: [Record.Message], _ given: Int, system: String?) -> [Segment] {
    let turns = messages.enumerated().flatMap { place, message in
      chatmlTurn(message.role, [.text(message.content, .prompt)], parts(message, place, given))
    }
    guard let system, messages.first?.role != .system else { return turns }
    return chatmlTurn(.system, [.text(system, .prompt)], (.prompt, .prompt)) + turns
  }

  private static func chatmlTurn(
    _ role: Record.Role, _ said: [Segment], _ part: (head: Segment.Part, said: Segment.Part)
  ) -> [Segment] {
    [.special("<|im_start|>", part.head), .text("\(role.rawValue)\n", part.head)]
      + said.map { Segment($0.content, part.said) } + [.special("<|im_end|>", part.said), .text("\n", part.said)]
  }

  /// Thoughts in answers before the last question are omitted; the last answer has some, even if empty.
  private static func qwen3(_ messages: [Record.Message], _ given: Int) -> [Segment] {
    // If there is no question, the template treats the last message as one.
    let question =
      messages.lastIndex { message in
        message.role == .user
          && !(message.content.hasPrefix("<tool_response>") && message.content.hasSuffix("</tool_response>"))
      } ?? messages.count - 1
    return messages.enumerated().flatMap { place, message in
      let part = parts(message, place, given)
      guard message.role == .assistant else { return chatmlTurn(message.role, [.text(message.content, .prompt)], part) }
      let (thoughts, words) = thoughts(in: message.content)
      guard place > question, place == messages.count - 1 || !thoughts.isEmpty else {
        return chatmlTurn(.assistant, [.text(words, .prompt)], part)
      }
      let said: [Segment] = [
        .special("<think>", .prompt), .text("\n\(thoughts.trimmed(of: ["\n"]))\n", .prompt),
        .special("</think>", .prompt),
        .text("\n\n\(words.trimmedStart(of: ["\n"]))", .prompt),
      ]
      return chatmlTurn(.assistant, said, part)
    }
  }

  static func thoughts(in content: String) -> (thoughts: String, words: String) {
    let pieces = content.pieces(between: "</think>")
    guard pieces.count > 1, let first = pieces.first, let last = pieces.last else { return ("", content) }
    let opened = first.trimmedEnd(of: ["\n"]).pieces(between: "<think>").last ?? ""
    return (opened.trimmedStart(of: ["\n"]), last.trimmedStart(of: ["\n"]))
  }

  private static func llama3(_ messages: [Record.Message], _ given: Int) -> [Segment] {
    [Segment(.beginOfText, .frame)]
      + messages.enumerated().flatMap { place, message -> [Segment] in
        let part = parts(message, place, given)
        return [
          .special("<|start_header_id|>", part.head), .text(message.role.rawValue, part.head),
          .special("<|end_header_id|>", part.head), .text("\n\n", part.head),
          .text(message.content.trimmedOfPythonBlanks, part.said), .special("<|eot_id|>", part.said),
        ]
      }
  }

  private static func llama2(_ messages: [Record.Message], _ given: Int) throws -> [Segment] {
    var turns = messages[...]
    var system: String?
    if let first = turns.first, first.role == .system {
      system = first.content
      turns = turns.dropFirst()
    }
    try checkTurns(turns)
    return turns.enumerated().flatMap { place, message -> [Segment] in
      guard message.role == .assistant else {
        let start = place == 0 ? system.map { "<<SYS>>\n\($0)\n<</SYS>>\n\n" } ?? "" : ""
        return [
          Segment(.beginOfText, place == 0 ? .frame : .prompt),
          .text("[INST] \((start + message.content).trimmedOfPythonBlanks) [/INST]", .prompt),
        ]
      }
      let said = parts(message, place + (system == nil ? 0 : 1), given).said
      return [.text(" \(message.content.trimmedOfPythonBlanks) ", said), Segment(.endOfText, said)]
    }
  }

  private static func mistral(_ messages: [Record.Message], _ given: Int) throws -> [Segment] {
    guard messages.first?.role != .system else {
      throw Failure(
        .badData, "has a system message, which the template 'mistral' does not support",
        advice: "write it into the first question")
    }
    try checkTurns(messages[...])
    return [Segment(.beginOfText, .frame)]
      + messages.enumerated().flatMap { place, message -> [Segment] in
        guard message.role == .assistant else { return [.text("[INST] \(message.content) [/INST]", .prompt)] }
        let said = parts(message, place, given).said
        return [.text(message.content, said), Segment(.endOfText, said)]
      }
  }

  private static func checkTurns(_ messages: ArraySlice<Record.Message>) throws {
    let isInTurn = messages.enumerated().allSatisfy { place, message in
      message.role == (place % 2 == 0 ? .user : .assistant)
    }
    guard isInTurn, !messages.isEmpty else {
      throw Failure(.badData, "has messages in which user and assistant do not alternate, starting with the user")
    }
  }
}

extension String {
  /// Without the characters that Python's `str.strip()` removes from both ends.
  package var trimmedOfPythonBlanks: String { trimmed(of: Self.pythonBlanks) }

  func trimmed(of scalars: Set<Unicode.Scalar>) -> String { trimmedStart(of: scalars).trimmedEnd(of: scalars) }

  func trimmedStart(of scalars: Set<Unicode.Scalar>) -> String {
    String(unicodeScalars.drop { scalars.contains($0) })
  }

  func trimmedEnd(of scalars: Set<Unicode.Scalar>) -> String {
    let kept = unicodeScalars.lastIndex { !scalars.contains($0) }
    return kept.map { String(unicodeScalars[...$0]) } ?? ""
  }

  /// The pieces between occurrences of a mark, compared byte by byte: a mark followed by a combining character counts.
  func pieces(between mark: String) -> [String] {
    let bytes = Array(utf8)
    let wanted = Array(mark.utf8)
    var pieces: [String] = []
    var start = 0
    var at = 0
    while at + wanted.count <= bytes.count {
      if bytes[at] == wanted[0], bytes[at..<at + wanted.count].elementsEqual(wanted) {
        pieces.append(String(decoding: bytes[start..<at], as: UTF8.self))
        at += wanted.count
        start = at
      } else {
        at += 1
      }
    }
    return pieces + [String(decoding: bytes[start...], as: UTF8.self)]
  }

  /// Source: `str.isspace` of CPython.
  package static let pythonBlanks = Set(
    [
      0x09...0x0D, 0x1C...0x20, 0x85...0x85, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
      0x202F...0x202F,
      0x205F...0x205F, 0x3000...0x3000,
    ].flatMap { (range: ClosedRange<UInt32>) in range.compactMap { Unicode.Scalar($0) } })
}
