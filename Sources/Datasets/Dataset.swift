import Diagnostics
import JSON
import Tensors

/// The samples of one file, all in one form.
package struct Dataset: Sendable {
  /// The file as the user wrote it.
  package let path: String

  package let form: RecordForm
  package let records: [Record]

  /// Whether the file names its samples; otherwise their indices are their names.
  package let hasIds: Bool

  /// Remarks for the user, none of them an error.
  package let notes: [String]

  /// Reads a list of objects, or one object per line.
  ///
  /// - parameter usesGroups: Whether `group` says which samples belong together.
  /// - throws: ``Failure`` `badData` with file and line: invalid JSON, an unknown form, two forms in one file, a duplicate id,
  ///   a file without samples.
  package init(path: String, limits: Limits = Limits(), usesGroups: Bool = false) throws {
    try self.init(try Bytes(mapping: path), path: path, limits: limits, usesGroups: usesGroups)
  }

  package init(_ bytes: Bytes, path: String, limits: Limits = Limits(), usesGroups: Bool = false) throws {
    var rows = Rows(names: RowNames(usesGroups: usesGroups))
    try locating(file: path) {
      try bytes.withUnsafeBytes { raw in
        try RowReader(limits: limits).read(raw) { object, line in try rows.add(object, line) }
      }
      guard rows.form != nil else {
        throw Failure(.badData, "holds no samples", advice: "write one object per sample, in a list or one per line")
      }
    }
    self.path = path
    form = rows.form?.form ?? .text
    records = rows.records
    hasIds = rows.names.hasIds
    notes = rows.names.notes(path)
  }

  /// Rows as they are read.
  private struct Rows {
    /// The form of the first row, which all others must have, and its line.
    var form: (form: RecordForm, line: Int)?
    var names: RowNames
    var records: [Record] = []

    mutating func add(_ object: JSONObject, _ line: Int) throws {
      let form = try RecordForm.of(object)
      if let first = self.form, first.form != form {
        throw Failure(
          .badData, "has '\(form.rawValue)', but the sample in line \(first.line) has '\(first.form.rawValue)'",
          advice: "write samples of different forms into separate files; {input_ids, labels} say everything")
      }
      try form.check(keysOf: object)
      let names = try names.read(object, line, known: form.knownKeys)
      self.form = self.form ?? (form, line)
      let content = try Record.Content(object, as: form)
      records.append(
        Record(line: line, id: names.id, domain: names.domain, content: content, group: names.group))
    }
  }
}
