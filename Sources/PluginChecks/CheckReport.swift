import Diagnostics
import JSON

/// The findings of all checks of a library.
public struct CheckReport: Sendable {
  public let path: String
  public let seed: UInt64
  public let results: [CheckResult]

  /// Whether nothing failed and nothing crashed.
  public var isPassed: Bool { !results.contains { $0.status.isBad } }

  public func count(_ status: CheckStatus) -> Int { results.count { $0.status == status } }

  public var json: JSONValue {
    .object([
      "schema": "clues/plugin-check/1", "file": .string(path), "seed": .string(String(seed)),
      "passed": .bool(isPassed),
      "counts": .object(JSONObject(CheckStatus.allCases.map { ($0.rawValue, JSONValue(count($0))) })),
      "checks": .array(results.map(\.json)),
    ])
  }

  /// For people, on a page of 80 columns.
  public var text: String {
    let width = results.map(\.check.id.count).max() ?? 0
    var lines: [String] = []
    for result in results {
      let gap = String(repeating: " ", count: width + 2 - result.check.id.count)
      lines.append(result.check.id + gap + result.status.rawValue)
      lines += result.sentences.map { below($0) }
      if result.status.isBad || result.status == .warning { lines.append(below("to do: \(result.check.advice)")) }
    }
    let counts = CheckStatus.allCases.filter { count($0) > 0 }.map { "\(count($0)) \($0.rawValue)" }
    lines.append("")
    lines.append("\(results.count) checks: " + counts.joined(separator: ", "))
    if !isPassed { lines.append("repeat the random values with --seed \(seed)") }
    return lines.joined(separator: "\n")
  }
}

extension CheckResult {
  /// The messages, entry by entry; what all entries have in common only once.
  fileprivate var sentences: [String] {
    if status == .skipped, let first = findings.first, findings.allSatisfy({ $0.message == first.message }) {
      return [first.message]
    }
    return findings.filter { !$0.message.isEmpty && ($0.status != .skipped || status == .skipped) }
      .map { finding in finding.entry.map { "\($0): \(finding.message)" } ?? finding.message }
  }
}

extension Check {
  /// All checks with their requirements, on a page of 80 columns.
  public static var list: String {
    all.flatMap { [$0.id, below($0.about)] }.joined(separator: "\n")
  }

  public static var listJSON: JSONValue {
    .object([
      "schema": "clues/plugin-checks/1",
      "checks": .array(all.map { .object(["id": .string($0.id), "about": .string($0.about)]) }),
    ])
  }
}

/// A text below the name that it belongs to.
private func below(_ text: String) -> String { wrapped(printable(text), to: 80, indent: "    ") }
