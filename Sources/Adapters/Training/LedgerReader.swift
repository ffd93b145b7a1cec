import Diagnostics
import JSON
import Tensors

extension Ledger {
  /// Reads `ledger.jsonl`: one object per (sample, checkpoint), in any order.
  ///
  /// Every member besides `checkpoint`, `learning_rate`, `split`, `id` and `domain` is a number, null, or an object of
  /// such. Python's `NaN` and infinities count as missing, with a reason. What finite numbers can be ``Measure`` says.
  ///
  /// - throws: ``Failure`` `badData` with the line: a duplicate row, two learning rates at one checkpoint, something that is
  ///   not a number, an impossible number.
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

/// Rows as they are read, before the number of samples and columns is known.
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
  /// The possible values of each column.
  private var measures: [Measure] = []
  /// For columns of inner products, the columns with the norms of the two vectors.
  private var norms: [Int: (left: String, right: String)] = [:]
  /// The norms of the validation gradients by checkpoint and column, which all rows repeat.
  private var targets: [Int: [Int: Double]] = [:]
  /// How many values the rows hold.
  private var written = 0

  init(limits: Limits) { self.limits = limits }

  mutating func add(_ value: JSONValue) throws {
    guard let object = value.objectValue else {
      throw Failure(.badData, "holds \(value.kindName) instead of an object")
    }
    guard let step = object["checkpoint"]?.intValue, step >= 0 else {
      throw Failure(
        .badData, "has no valid 'checkpoint'", advice: "write the step as an integer of at least 0")
    }
    try note(learningRate: object["learning_rate"], at: step)
    let sample = try Sample(object)
    let place = try self.place(of: sample)
    guard seen[step, default: []].insert(place).inserted else {
      throw Failure(
        .badData, "has the \(sample.split.rawValue) sample '\(sample.id)' twice at checkpoint \(step)",
        advice: "measure every sample once at every checkpoint")
    }
    var cells: [(column: Int, value: Double?, reason: String?)] = []
    for (key, member) in object.members where !Self.keys.contains(key) {
      try collect(member, as: key, of: sample, at: step, into: &cells)
    }
    guard Set(cells.map(\.column)).count == cells.count else {
      throw Failure(.badData, "has one column twice, with a dot and as a nested object")
    }
    try check(cells, of: sample, at: step)
    rows[step, default: []].append(Row(sample: place, cells: cells))
    written += cells.count
  }

  private static let keys: Set<String> = ["checkpoint", "learning_rate", "split", "id", "domain"]

  private mutating func note(learningRate value: JSONValue?, at step: Int) throws {
    let rate = value?.doubleValue
    guard value == nil || (rate?.isFinite ?? false) else {
      throw Failure(
        .badData, "has a 'learning_rate' that is not a finite number",
        advice: "use the logged rate, or omit it in all rows of the checkpoint")
    }
    if let rate { try Measure.check(rate, column: "learning_rate", of: "at checkpoint \(step)") }
    if let before = learningRates.updateValue(rate, forKey: step), before != rate {
      func text(_ rate: Double?) -> String { rate.map { "\($0)" } ?? "none" }
      throw Failure(
        .badData, "has the learning rate \(text(rate)) at checkpoint \(step), but other rows have \(text(before))",
        advice: "a checkpoint has one learning rate: the mean over the last epoch before it")
    }
  }

  private mutating func place(of sample: Sample) throws -> Int {
    if let place = places[sample.split]?[sample.id] {
      try sample.checkSpelling(of: samples[place])
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
    _ value: JSONValue, as name: String, of sample: Sample, at step: Int,
    into cells: inout [(column: Int, value: Double?, reason: String?)]
  ) throws {
    switch value {
    case .object(let object):
      for (key, member) in object.members {
        try collect(member, as: "\(name).\(key)", of: sample, at: step, into: &cells)
      }
    case .integer, .number:
      let number = value.doubleValue ?? .nan
      let column = try column(name)
      cells.append(
        number.isFinite
          ? (column, number, nil) : (column, nil, "\(number.isNaN ? "NaN" : "an infinity") in the ledger"))
    case .null:
      cells.append((try column(name), nil, "null in the ledger"))
    default:
      throw Failure(
        .badData, "has \(value.kindName) as '\(name)' \(Self.owner(sample, step)) instead of a number",
        advice: "write a number, or null if it was not measured")
    }
  }

  /// The sample and checkpoint of a number, for a message.
  private static func owner(_ sample: Sample, _ step: Int) -> String {
    "of the \(sample.split.rawValue) sample '\(sample.id)' at checkpoint \(step)"
  }

  private mutating func column(_ name: String) throws -> Int {
    if let column = columns[name] { return column }
    guard columnNames.count < limits[.ledgerColumns] else {
      throw Failure(beyond: .ledgerColumns, "has more than \(limits[.ledgerColumns]) columns")
    }
    columnNames.append(name)
    columns[name] = columnNames.count - 1
    measures.append(Measure(column: name))
    if let point = name.firstIndex(of: "."), let left = Measure.products[String(name[..<point])] {
      norms[columnNames.count - 1] = (left, Measure.target + name[point...])
    }
    return columnNames.count - 1
  }

  /// Refuses impossible numbers: out of the range of their column, or inconsistent with other numbers of the row.
  private mutating func check(
    _ cells: [(column: Int, value: Double?, reason: String?)], of sample: Sample, at step: Int
  ) throws {
    let owner = Self.owner(sample, step)
    func value(_ name: String) -> Double? {
      columns[name].flatMap { column in cells.first { $0.column == column }?.value }
    }
    for cell in cells {
      guard let number = cell.value else { continue }
      let name = columnNames[cell.column]
      if let fault = measures[cell.column].fault(number) { throw Measure.refusal(number, name, owner, fault) }
      if name.hasPrefix(Measure.target + ".") { try check(target: number, cell.column, owner, at: step) }
    }
    // First each number by itself: an impossible norm is no bound.
    for cell in cells {
      guard let number = cell.value else { continue }
      // Cauchy-Schwarz, with one percent of tolerance for norms measured in half precision.
      guard let pair = norms[cell.column], let left = value(pair.left) else { continue }
      let right = value(pair.right) ?? Measure.gradientNorm.range.upperBound
      guard abs(number) > 1.01 * left * right + 1e-6 else { continue }
      throw Measure.refusal(
        number, columnNames[cell.column], owner,
        "its '\(pair.left)' is \(left) and '\(pair.right)' "
          + (value(pair.right).map { "\($0)" } ?? "at most \(right)")
          + ", but an inner product is at most the product of the norms")
    }
  }

  /// All rows of a checkpoint repeat the norm of one validation gradient.
  private mutating func check(target norm: Double, _ column: Int, _ owner: String, at step: Int) throws {
    guard let first = targets[step]?[column] else {
      targets[step, default: [:]][column] = norm
      return
    }
    guard abs(norm - first) > 1e-3 * max(norm, first) else { return }
    throw Measure.refusal(
      norm, columnNames[column], owner,
      "other rows of the checkpoint have \(first): there is only one validation gradient")
  }

  func ledger() throws -> Ledger {
    let (values, overflow) = (samples.count * columnNames.count).multipliedReportingOverflow(by: rows.count)
    let span = "spans \(samples.count) samples, \(columnNames.count) columns and \(rows.count) checkpoints"
    guard !overflow, values <= limits[.ledgerValues] else {
      throw Failure(beyond: .ledgerValues, "\(span), which is more than \(limits[.ledgerValues]) values")
    }
    // A nearly empty table would take far more memory than the file; an honest one measures all samples at all checkpoints.
    guard values <= 1_000_000 || values / 32 <= written else {
      throw Failure(
        .badData, "\(span), but has only \(written) values", advice: "measure every sample at every checkpoint")
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
