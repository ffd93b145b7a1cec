import Foundation

/// What was measured, printed as it comes and compared with the thresholds at the end.
final class Report {
  private(set) var figures: [String: Double] = [:]

  func title(_ text: String) { show("\n\(text)") }

  /// One line for each command of a series: medians of time, processor time, rate, memory and page faults.
  func table(_ series: Series, bytes: Double? = nil) {
    for (index, command) in series.commands.enumerated() {
      let seconds = series.median(index)
      let rate = bytes.map { text($0 / seconds / 1e6, 0) + " MB/s" } ?? ""
      show(
        "  " + padded(command.label, 34) + right(text(seconds, 3) + " s", 10)
          + right(text(series.median(index, \.cpu), 3) + " s cpu", 14) + right(rate, 12)
          + right(text(series.median(index, \.peak) / 1e6, 1) + " MB", 11)
          + right(text(series.median(index, \.pageFaults), 0) + " faults", 16))
    }
  }

  /// A figure that a threshold may name.
  func figure(_ name: String, _ value: Double, _ meaning: String) {
    figures[name] = value
    show("  \(meaning): \(text(value, value < 10 ? 2 : 1))  [\(name)]")
  }

  func note(_ text: String) { show("  \(text)") }

  /// Compares the figures with a file of thresholds.
  ///
  /// - returns: Whether all that were measured keep to them.
  func keeps(to path: String) throws -> Bool {
    struct Threshold: Decodable {
      let least: Double?
      let most: Double?
    }
    let thresholds = try JSONDecoder().decode(
      [String: Threshold].self, from: Data(contentsOf: URL(filePath: path)))
    title("Thresholds")
    var isKept = true
    for (name, threshold) in thresholds.sorted(by: { $0.key < $1.key }) {
      guard let value = figures[name] else {
        show("  not measured  \(name)")
        continue
      }
      let isGood = value >= threshold.least ?? -.infinity && value <= threshold.most ?? .infinity
      let bound = threshold.least.map { "at least \($0)" } ?? threshold.most.map { "at most \($0)" } ?? ""
      show("  \(isGood ? "kept  " : "MISSED") \(padded(name, 34))\(right(text(value, 2), 10))  \(bound)")
      isKept = isKept && isGood
    }
    return isKept
  }
}

/// Prints a line at once, for whoever watches.
private func show(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

func text(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

private func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(1, width - text.count))
}

private func right(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(1, width - text.count)) + text
}
