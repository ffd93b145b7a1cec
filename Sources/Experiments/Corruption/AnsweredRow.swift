import Datasets
import Diagnostics
import JSON
import Tensors

/// A row of a file of samples: its question and its answer, which can be replaced.
struct AnsweredRow: Sendable {
  let id: String
  /// Samples of one group are about the same thing.
  let group: String?
  let question: String
  let answer: String

  /// The row as it is in its file, with its id.
  private let object: JSONObject
  private let form: Form

  private enum Form { case instruction, completion, messages }

  /// The rows of a file.
  ///
  /// - throws: ``Failure`` with file and line: what ``Dataset`` refuses, and rows that have no question and answer as texts.
  static func all(in path: String, limits: Limits) throws -> [AnsweredRow] {
    let records = try Dataset(path: path, limits: limits, usesGroups: true).records
    var rows: [AnsweredRow] = []
    return try locating(file: path) {
      try Bytes(mapping: path).withUnsafeBytes { bytes in
        try RowReader(limits: limits).read(bytes) { object, _ in
          rows.append(try AnsweredRow(object, records[rows.count]))
        }
      }
      return rows
    }
  }

  private init(_ object: JSONObject, _ record: Record) throws {
    (id, group) = (record.id, record.group)
    switch record.content {
    case .instruction(_, let instruction, let input, let answer):
      form = .instruction
      (question, self.answer) = (input.isEmpty ? instruction : input, answer)
    case .completion(let prompt, let completion):
      form = .completion
      (question, answer) = (prompt, completion)
    case .conversation(let messages, _) where object["messages"] != nil && messages.last?.role == .assistant:
      form = .messages
      question = messages.last { $0.role == .user }?.content ?? ""
      answer = messages.last?.content ?? ""
    case .conversation, .text, .tokens:
      throw Failure(
        .badData, "the sample '\(record.id)' has no answer that could be made bad",
        advice: "write {instruction, input, output}, {prompt, completion} or {messages} that end with an answer")
    }
    guard !answer.isEmpty, !question.isEmpty else {
      throw Failure(.badData, "the sample '\(record.id)' has no \(answer.isEmpty ? "answer" : "question")")
    }
    var object = object
    object["id"] = .string(record.id)
    self.object = object
  }

  /// The row as a line of a file, with another answer or id.
  func line(answering answer: String? = nil, id: String? = nil) -> String {
    var object = object
    if let id { object["id"] = .string(id) }
    if let answer {
      switch form {
      case .instruction: object["output"] = .string(answer)
      case .completion: object["completion"] = .string(answer)
      case .messages:
        var messages = object["messages"]?.arrayValue ?? []
        var last = messages.popLast()?.objectValue ?? [:]
        last["content"] = .string(answer)
        object["messages"] = .array(messages + [.object(last)])
      }
    }
    return JSONValue.object(object).text() + "\n"
  }
}
