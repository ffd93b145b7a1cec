import Diagnostics
import JSON
import Tensors

/// Marks given to answers: `{id, adapter, mark}`, one per line.
struct MarksFile {
  /// By model and sample.
  let marks: [[Double?]]

  /// - parameter leftOut: Samples that are not measured.
  /// - throws: ``Failure`` with the line: an id or adapter that is not measured, a mark that is not a number, a duplicate mark.
  init(
    _ path: String, models: [String], samples: [MeasuredSample], leftOut: [LeftOutSample], limits: Limits
  ) throws {
    let origins = samples.map(\.sample.origin)
    let places = Dictionary(uniqueKeysWithValues: origins.enumerated().map { ($1.id, $0) })
    var marks = models.map { _ in [Double?](repeating: nil, count: samples.count) }
    var count = 0
    let bytes = try Bytes(mapping: path)
    try locating(file: path) {
      try bytes.withUnsafeBytes { raw in
        try JSONReader(limits).readLines(raw) { row, _ in
          guard let object = row.objectValue else {
            throw Failure(.badData, "has \(row.kindName) instead of an object", advice: Self.form)
          }
          let id = object["id"].flatMap { $0.stringValue ?? $0.intValue.map(String.init) } ?? ""
          guard let name = object["adapter"]?.stringValue, let mark = object["mark"]?.doubleValue, mark.isFinite else {
            throw Failure(.badData, "has no 'adapter' that is a text, or no 'mark' that is a number", advice: Self.form)
          }
          guard let model = models.firstIndex(of: name) else {
            throw Failure(
              .badData, "marks an answer of '\(name)', which is not measured here",
              advice: "measured are \(models.joined(separator: ", "))")
          }
          guard let place = places[id] else {
            let reason = leftOut.first { $0.origin.id == id }?.reason
            throw Failure(
              .badData,
              reason.map { "marks an answer to '\(id)', which is left out: \($0)" }
                ?? "marks an answer to '\(id)', and no sample is called so",
              advice: "take ids from the file of answers")
          }
          guard marks[model][place] == nil else {
            throw Failure(.badData, "marks the answer of '\(name)' to '\(id)' a second time")
          }
          marks[model][place] = mark
          count += 1
        }
      }
      guard count > 0 else { throw Failure(.badData, "holds no marks", advice: Self.form) }
    }
    self.marks = marks
  }

  private static let form = "write {\"id\": …, \"adapter\": …, \"mark\": number}, one a line"
}
