import Diagnostics
import JSON
import Tensors

extension Ledger {
  /// Reads `ledger.jsonl`: one object per (sample, checkpoint), in any order.
  ///
  /// Every member besides `checkpoint`, `learning_rate`, `split`, `id` and `domain` is a number, null, or an object of
  /// such. Python's `NaN` and infinities count as missing, with a reason.
  ///
  /// - throws: ``Failure`` `badData` with the line: a row twice, two learning rates at one checkpoint, no number.
  public init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    var rows = LedgerRows(limits: limits)
    var reader = JSONReader(limits)
    reader.takesNonFiniteNumbers = true
    try bytes.withUnsafeBytes { raw in
      try reader.readLines(raw) { value, _ in try rows.add(value) }
    }
    self = try rows.ledger()
  }
}

/// Rows as they come, before it is known how many samples and columns there are.
private struct LedgerRows {
  private struct Row {
    let sample: Int
    let cells: [(column: Int, value: Double?, reason: String?)]
  }

  private let limits: Limits
  private var samples: [Sample] = []
  private var places: [Split: [String: Int]] = [:]
  private var columnNames: [String] = []
  private var columns: [String: Int] = [:]
  private var rows: [Int: [Row]] = [:]
  private var seen: [Int: Set<Int>] = [:]
  private var learningRates: [Int: Double?] = [:]
  /// How many values the rows hold.
  private var written = 0

  init(limits: Limits) { self.limits = limits }

  mutating func add(_ value: JSONValue) throws {
    guard let object = value.objectValue else {
      throw Failure(.badData, "holds \(value.kindName) where an object is due")
    }
    guard let step = object["checkpoint"]?.intValue, step >= 0 else {
      throw Failure(.badData, "names no 'checkpoint' that counts steps")
    }
    try note(learningRate: object["learning_rate"], at: step)
    let sample = try Sample(object)
    let place = try self.place(of: sample)
    guard seen[step, default: []].insert(place).inserted else {
      throw Failure(
        .badData, "holds the \(sample.split.rawValue) sample '\(sample.id)' twice at checkpoint \(step)",
        advice: "measure every sample once at every checkpoint")
    }
    var cells: [(column: Int, value: Double?, reason: String?)] = []
    for (key, member) in object.members where !Self.keys.contains(key) {
      try collect(member, as: key, into: &cells)
    }
    guard Set(cells.map(\.column)).count == cells.count else {
      throw Failure(.badData, "holds one column twice, with a dot and as a nested object")
    }
    rows[step, default: []].append(Row(sample: place, cells: cells))
    written += cells.count
  }

  private static let keys: Set<String> = ["checkpoint", "learning_rate", "split", "id", "domain"]

  private mutating func note(learningRate value: JSONValue?, at step: Int) throws {
    let rate = value?.doubleValue
    guard value == nil || (rate?.isFinite ?? false) else {
      throw Failure(.badData, "has a 'learning_rate' that is no finite number")
    }
    if let before = learningRates.updateValue(rate, forKey: step), before != rate {
      func text(_ rate: Double?) -> String { rate.map { "\($0)" } ?? "none" }
      throw Failure(
        .badData, "has the learning rate \(text(rate)) at checkpoint \(step), where other rows have \(text(before))",
        advice: "a checkpoint has one learning rate: the mean over the last epoch before it")
    }
  }

  private mutating func place(of sample: Sample) throws -> Int {
    if let place = places[sample.split]?[sample.id] {
      guard samples[place].domain == sample.domain else {
        throw Failure(.badData, "gives the \(sample.split.rawValue) sample '\(sample.id)' two domains")
      }
      return place
    }
    samples.append(sample)
    places[sample.split, default: [:]][sample.id] = samples.count - 1
    return samples.count - 1
  }

  private mutating func collect(
    _ value: JSONValue, as name: String, into cells: inout [(column: Int, value: Double?, reason: String?)]
  ) throws {
    switch value {
    case .object(let object):
      for (key, member) in object.members { try collect(member, as: "\(name).\(key)", into: &cells) }
    case .integer, .number:
      let number = value.doubleValue ?? .nan
      let column = try column(name)
      cells.append(
        number.isFinite
          ? (column, number, nil) : (column, nil, "\(number.isNaN ? "NaN" : "an infinity") in the ledger"))
    case .null:
      cells.append((try column(name), nil, "null in the ledger"))
    default:
      throw Failure(.badData, "has \(value.kindName) as '\(name)' where a number is due")
    }
  }

  private mutating func column(_ name: String) throws -> Int {
    if let column = columns[name] { return column }
    guard columnNames.count < limits[.ledgerColumns] else {
      throw Failure(beyond: .ledgerColumns, "has more than \(limits[.ledgerColumns]) columns")
    }
    columnNames.append(name)
    columns[name] = columnNames.count - 1
    return columnNames.count - 1
  }

  func ledger() throws -> Ledger {
    let (values, overflow) = (samples.count * columnNames.count).multipliedReportingOverflow(by: rows.count)
    let span = "spans \(samples.count) samples, \(columnNames.count) columns and \(rows.count) checkpoints"
    guard !overflow, values <= limits[.ledgerValues] else {
      throw Failure(beyond: .ledgerValues, "\(span), which is more than \(limits[.ledgerValues]) values")
    }
    // A table that is nearly empty takes memory that nobody sent; an honest one measures all samples at all checkpoints.
    guard values <= 1_000_000 || values / 32 <= written else {
      throw Failure(
        .badData, "\(span), but holds \(written) values only", advice: "measure every sample at every checkpoint")
    }
    return Ledger(
      samples: samples,
      checkpoints: rows.keys.sorted().map { step in checkpoint(step, rows[step] ?? []) },
      columnNames: columnNames)
  }

  private func checkpoint(_ step: Int, _ rows: [Row]) -> Ledger.Checkpoint {
    var columns: [String: [Double?]] = [:]
    var reasons: [String: [Int: String]] = [:]
    for row in rows {
      for cell in row.cells {
        let name = columnNames[cell.column]
        columns[name, default: [Double?](repeating: nil, count: samples.count)][row.sample] = cell.value
        if let reason = cell.reason { reasons[name, default: [:]][row.sample] = reason }
      }
    }
    return Ledger.Checkpoint(
      step: step, learningRate: learningRates[step] ?? nil, columns: columns,
      absent: Set(samples.indices).subtracting(seen[step] ?? []), reasons: reasons)
  }
}
