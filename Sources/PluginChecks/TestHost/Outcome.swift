import CluesPluginABI

/// The outcome of a plugin's call.
struct Outcome: Sendable {
  let call: String
  let scene: String
  let status: UInt32
  /// The plugin's message about its failure.
  let text: String?
  let values: Values

  /// The values that a call wrote.
  struct Values: Sendable {
    var numbers: [Double] = []
    /// For every number, why it is missing.
    var reasons: [String?] = []
    /// The first input of a merge, in the order of ``numbers``.
    var input: [Double] = []
    /// An element that the plugin changed although it must not.
    var spoilt: Int?
  }

  var isDone: Bool { status == CLUES_OK.rawValue }

  var name: String { scene.isEmpty ? call : "\(call) of \(scene)" }

  /// The answer in words: "CLUES_UNSUPPORTED ('…')".
  var answer: String { statusName(status) + (text.map { " ('\($0)')" } ?? "") }

  /// The first difference from another outcome of the same call, bit by bit; nil without one.
  func difference(to other: Outcome) -> String? {
    guard status == other.status else { return "\(name) answers \(answer) and then \(other.answer)" }
    guard values.numbers.count == other.values.numbers.count else {
      return "\(name) returns a different number of values"
    }
    for (index, (a, b)) in zip(values.numbers, other.values.numbers).enumerated()
    where a.bitPattern != b.bitPattern && !(a.isNaN && b.isNaN) {
      return "\(name) gives \(a) and then \(b) at place \(index)"
    }
    for (index, (a, b)) in zip(values.reasons, other.values.reasons).enumerated() where a != b {
      return "\(name) says '\(a ?? "scored")' and then '\(b ?? "scored")' of sample \(index)"
    }
    return nil
  }

  /// Whether all values agree with those of another outcome within a share of the largest of them.
  func isClose(to other: Outcome, within tolerance: Double) -> Bool {
    let (a, b) = (values.numbers, other.values.numbers)
    guard status == other.status, a.count == b.count,
      values.reasons.map({ $0 == nil }) == other.values.reasons.map({ $0 == nil })
    else { return false }
    let scale = (a + b).map { abs($0) }.filter(\.isFinite).max() ?? 0
    return zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * scale || $0 == $1 || ($0.isNaN && $1.isNaN) }
  }
}

/// The contract's name of a status.
func statusName(_ status: UInt32) -> String {
  let names = [
    "CLUES_OK", "CLUES_CANCELLED", "CLUES_INVALID_ARGUMENT", "CLUES_UNSUPPORTED", "CLUES_OUT_OF_MEMORY",
    "CLUES_FAILED_PRECONDITION", "CLUES_INTERNAL",
  ]
  return status < names.count ? names[Int(status)] : "the unknown status \(status)"
}

/// The first difference between the outcomes of two lives of an entry; nil without one.
func difference(_ first: [Outcome], _ second: [Outcome]) -> String? {
  guard first.count == second.count else { return "it refuses what it accepted before" }
  for (a, b) in zip(first, second) {
    if let difference = a.difference(to: b) { return difference }
  }
  return nil
}
