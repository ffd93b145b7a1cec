import Diagnostics
import JSON
import Tensors

/// A question with several choices, one of them right.
package struct ChoiceQuestion: Sendable, Equatable {
  package let line: Int
  package let id: String
  package let domain: String?

  /// As in ``Record``.
  package let group: String?
  package let choices: [String]

  /// The index of the right one.
  package let answer: Int

  /// The question with each choice as its answer.
  package let contents: [Record.Content]
}

/// The questions of one file, each with its choices.
package struct ChoiceDataset: Sendable {
  package let path: String

  /// The form of all questions.
  package let form: RecordForm
  package let questions: [ChoiceQuestion]
  package let hasIds: Bool
  package let notes: [String]

  /// Whether a file contains such questions: its first row has 'choices'.
  package static func isOne(_ path: String, limits: Limits) throws -> Bool {
    struct Found: Error { let isOne: Bool }
    do {
      let bytes = try Bytes(mapping: path)
      try locating(file: path) {
        try bytes.withUnsafeBytes { raw in
          try RowReader(limits: limits).read(raw) { object, _ in throw Found(isOne: object["choices"] != nil) }
        }
      }
    } catch let found as Found {
      return found.isOne
    }
    return false
  }

  /// Reads a list of objects, or one object per line: `{question, choices, answer}`, with `prompt`, `instruction` and `input`,
  /// or `messages` instead of `question`.
  ///
  /// - throws: ``Failure`` `badData` with file and line.
  package init(path: String, limits: Limits = Limits()) throws {
    var names = RowNames(usesGroups: true)
    var form: (form: RecordForm, line: Int)?
    var questions: [ChoiceQuestion] = []
    let bytes = try Bytes(mapping: path)
    try locating(file: path) {
      try bytes.withUnsafeBytes { raw in
        try RowReader(limits: limits).read(raw) { object, line in
          let row = try ChoiceRow(object)
          let names = try names.read(
            object, line, known: row.form.knownKeys.union(["question", "choices", "answer"]))
          if let first = form, first.form != row.form {
            throw Failure(
              .badData,
              "asks as '\(row.form.rawValue)' where the question in line \(first.line) asks as "
                + "'\(first.form.rawValue)'", advice: "write questions of different forms into files of their own")
          }
          form = form ?? (row.form, line)
          questions.append(
            ChoiceQuestion(
              line: line, id: names.id, domain: names.domain, group: names.group, choices: row.choices,
              answer: row.answer, contents: row.contents))
        }
      }
    }
    self.path = path
    self.form = form?.form ?? .completion
    self.questions = questions
    hasIds = names.hasIds
    notes = names.notes(path)
  }
}

/// One row of such a file.
private struct ChoiceRow {
  let form: RecordForm
  let choices: [String]
  let answer: Int
  let contents: [Record.Content]

  init(_ object: JSONObject) throws {
    guard let listed = object["choices"] else {
      throw Failure(
        .badData, "has no 'choices' where the file's first sample has some",
        advice: "write questions with choices into a file of their own")
    }
    choices = try Self.texts(listed)
    guard let answer = object["answer"]?.intValue, choices.indices.contains(answer) else {
      throw Failure(
        .badData,
        "has \(Self.told(object["answer"])) as 'answer' instead of the index of one of its \(choices.count) choices",
        advice: "write a whole number, 0 for the first choice")
    }
    self.answer = answer
    let rows = try choices.map { try Self.answered(object, by: $0) }
    form = try RecordForm.of(rows[0])
    try form.check(keysOf: rows[0])
    contents = try rows.map { [form] in try Record.Content($0, as: form) }
  }

  private static func told(_ value: JSONValue?) -> String {
    value.map { value in value.intValue.map { "\($0)" } ?? value.kindName } ?? "nothing"
  }

  private static func texts(_ value: JSONValue) throws -> [String] {
    guard let list = value.arrayValue, list.count >= 2 else {
      throw Failure(.badData, "has \(value.kindName) as 'choices' instead of a list of at least two texts")
    }
    guard list.count <= mostChoices else {
      throw Failure(.badData, "has \(list.count) choices, more than \(mostChoices)")
    }
    let texts = try list.enumerated().map { place, choice in
      guard let text = choice.stringValue, !text.trimmedOfPythonBlanks.isEmpty else {
        throw Failure(.badData, "has \(choice.kindName) without words as choice \(place) instead of a text")
      }
      return text
    }
    if Set(texts.map { Array($0.utf8) }).count < texts.count {
      throw Failure(.badData, "has the same choice twice", advice: "of two equal texts none can be the likelier one")
    }
    return texts
  }

  private static let mostChoices = 1000

  /// The row with this answer only.
  private static func answered(_ object: JSONObject, by choice: String) throws -> JSONObject {
    var row = object
    for key in ["choices", "answer"] { row[key] = nil }
    if let question = row["question"] {
      guard row["prompt"] == nil else {
        throw Failure(
          .badData, "has 'question' and 'prompt', and either could be meant", advice: "leave one of them out")
      }
      row["question"] = nil
      row["prompt"] = question
    }
    if let messages = row["messages"]?.arrayValue {
      row["messages"] = .array(messages + [["role": "assistant", "content": .string(choice)]])
    } else if row["instruction"] != nil {
      row["output"] = .string(choice)
    } else if row["prompt"]?.arrayValue != nil {
      row["completion"] = [["role": "assistant", "content": .string(choice)]]
    } else if row["prompt"] != nil {
      row["completion"] = .string(choice)
    } else {
      throw Failure(
        .badData, "has 'choices' but no question",
        advice: "write {question, choices, answer}, or prompt, instruction or messages in the place of question")
    }
    return row
  }
}
