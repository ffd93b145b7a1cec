import CluesPluginABI

/// What a call of a plugin answered.
struct Outcome: Sendable {
  let call: String
  let scene: String
  let status: UInt32
  /// What the plugin said about its failure.
  let text: String?
  let values: Values

  /// What a call filled.
  struct Values: Sendable {
    var numbers: [Double] = []
    /// Of every number, why it is not there.
    var reasons: [String?] = []
    /// The first input of a merge, in the order of ``numbers``.
    var input: [Double] = []
    /// Elements that the plugin had no business with, but changed.
    var spoilt: Int?
  }

  var isDone: Bool { status == CLUES_OK.rawValue }

  var name: String { scene.isEmpty ? call : "\(call) of \(scene)" }

  /// The answer in words: "CLUES_UNSUPPORTED ('…')".
  var answer: String { statusName(status) + (text.map { " ('\($0)')" } ?? "") }

  /// The first difference to another outcome of the same call, bit by bit; nil without one.
  func difference(to other: Outcome) -> String? {
    guard status == other.status else { return "\(name) answers \(answer) and then \(other.answer)" }
    guard values.numbers.count == other.values.numbers.count else { return "\(name) answers another number of values" }
    for (index, (a, b)) in zip(values.numbers, other.values.numbers).enumerated()
    where a.bitPattern != b.bitPattern && !(a.isNaN && b.isNaN) {
      return "\(name) gives \(a) and then \(b) at place \(index)"
    }
    for (index, (a, b)) in zip(values.reasons, other.values.reasons).enumerated() where a != b {
      return "\(name) says '\(a ?? "scored")' and then '\(b ?? "scored")' of sample \(index)"
    }
    return nil
  }

  /// Whether all values are those of another outcome within a share of the largest of them.
  func isClose(to other: Outcome, within tolerance: Double) -> Bool {
    let (a, b) = (values.numbers, other.values.numbers)
    guard status == other.status, a.count == b.count,
      values.reasons.map({ $0 == nil }) == other.values.reasons.map({ $0 == nil })
    else { return false }
    let scale = (a + b).map { abs($0) }.filter(\.isFinite).max() ?? 0
    return zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * scale || $0 == $1 || ($0.isNaN && $1.isNaN) }
  }
}

/// A status as the contract names it.
func statusName(_ status: UInt32) -> String {
  let names = [
    "CLUES_OK", "CLUES_CANCELLED", "CLUES_INVALID_ARGUMENT", "CLUES_UNSUPPORTED", "CLUES_OUT_OF_MEMORY",
    "CLUES_FAILED_PRECONDITION", "CLUES_INTERNAL",
  ]
  return status < names.count ? names[Int(status)] : "the unknown status \(status)"
}

/// The first difference between what two lives of an entry brought; nil without one.
func difference(_ first: [Outcome], _ second: [Outcome]) -> String? {
  guard first.count == second.count else { return "it refuses what it had taken before" }
  for (a, b) in zip(first, second) {
    if let difference = a.difference(to: b) { return difference }
  }
  return nil
}
