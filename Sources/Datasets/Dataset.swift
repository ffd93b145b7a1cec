import Diagnostics
import JSON
import Tensors

/// The samples of one file, all of one form.
package struct Dataset: Sendable {
  /// The file as the user wrote it.
  package let path: String

  package let form: RecordForm
  package let records: [Record]

  /// Whether the file names its samples; else they bear their places.
  package let hasIds: Bool

  /// What the user should know although it is no error.
  package let notes: [String]

  /// Reads a list of objects, or one object a line.
  ///
  /// - throws: ``Failure`` `badData` with file and line: no JSON, an unknown form, two forms in one file, an id that stands
  ///   there twice, a file without samples.
  package init(path: String, limits: Limits = Limits()) throws {
    try self.init(try Bytes(mapping: path), path: path, limits: limits)
  }

  package init(_ bytes: Bytes, path: String, limits: Limits = Limits()) throws {
    var rows = Rows()
    try locating(file: path) {
      try bytes.withUnsafeBytes { raw in
        try RowReader(limits: limits).read(raw) { object, line in try rows.add(object, line) }
      }
      guard rows.form != nil else {
        throw Failure(.badData, "holds no samples", advice: "write one object a sample, in a list or one a line")
      }
    }
    self.path = path
    form = rows.form?.form ?? .text
    records = rows.records
    hasIds = rows.ids != nil
    notes = rows.ignored.isEmpty ? [] : ["\(path): \(rows.ignoredText) not used"]
  }

  /// Rows as they come.
  private struct Rows {
    /// The form of the first row, which all others have, and its line.
    var form: (form: RecordForm, line: Int)?
    /// The lines of the ids that the file gives; nil where it gives none.
    var ids: [String: Int]?
    var records: [Record] = []
    /// Keys that mean nothing here, in the order in which they come.
    var ignored: [String] = []
    private var ignoredKeys: Set<String> = []

    mutating func add(_ object: JSONObject, _ line: Int) throws {
      let form = try RecordForm.of(object)
      if let first = self.form, first.form != form {
        throw Failure(
          .badData, "has '\(form.rawValue)' where the sample in line \(first.line) has '\(first.form.rawValue)'",
          advice: "write samples of different forms into files of their own; {input_ids, labels} say everything")
      }
      try form.check(keysOf: object)
      let id = try id(of: object, line)
      self.form = self.form ?? (form, line)
      for key in object.keys where !form.knownKeys.contains(key) {
        if ignoredKeys.count < 64, ignoredKeys.insert(key).inserted { ignored.append(key) }
      }
      let domain = try domain(of: object)
      records.append(Record(line: line, id: id, domain: domain, content: try Record.Content(object, as: form)))
    }

    private mutating func id(of object: JSONObject, _ line: Int) throws -> String {
      let given: String?
      switch object["id"] {
      case .string(let text)?: given = text
      case .integer(let number)?: given = String(number)
      case nil, .null?: given = nil
      case let other?:
        throw Failure(.badData, "has \(other.kindName) as 'id' where a text or a whole number is expected")
      }
      guard let given else {
        guard ids == nil else {
          throw Failure(
            .badData, "has no 'id' where samples before have one", advice: "give all samples an id, or none")
        }
        return String(records.count)
      }
      if ids == nil, !records.isEmpty {
        throw Failure(.badData, "has an 'id' where samples before have none", advice: "give all samples an id, or none")
      }
      if let first = ids?[given] {
        throw Failure(
          .badData, "has the id '\(given)' of the sample in line \(first)", advice: "give every sample an id of its own"
        )
      }
      ids = ids ?? [:]
      ids?[given] = line
      return given
    }

    private func domain(of object: JSONObject) throws -> String? {
      switch object["domain"] {
      case .string(let text)?: return text
      case nil, .null?: return nil
      case let other?: throw Failure(.badData, "has \(other.kindName) as 'domain' where a text is expected")
      }
    }

    var ignoredText: String {
      let names = ignored.map { "'\($0)'" }
      let list = names.count > 1 ? names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "") : names[0]
      return list + (names.count > 1 ? " are" : " is")
    }
  }
}
