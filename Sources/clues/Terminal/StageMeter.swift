import Diagnostics
import Foundation

/// A stage's progress at one moment, and its texts.
struct StageMeter {
  let stage: RunStage
  /// The amount of work, in the stage's unit; nil if unknown.
  let total: Int?
  let done: Int
  /// Since the stage began.
  let seconds: Double
  /// What else says how it stands.
  var figures: [StageFigure] = []

  /// The share that is done, from 0 to 1; nil if unknown.
  var fraction: Double? { total.map { $0 > 0 ? min(1, Double(done) / Double($0)) : 1 } }

  /// The amount done per second, on average since the stage began; nil while it cannot be estimated.
  var rate: Double? { done > 0 && seconds >= 0.1 ? Double(done) / seconds : nil }

  /// The remaining time at this rate.
  var secondsLeft: Double? {
    guard let total, let rate, seconds >= 1 else { return nil }
    return Double(max(0, total - done)) / rate
  }
}

extension StageMeter {
  /// "merging: 57 %, 34 of 60 modules, 12/s, 3 s left", for output that is not a terminal.
  var progressText: String {
    "\(stage.rawValue): "
      + [percentText, countText, rateText, figuresText, leftText].compactMap { $0 }.joined(separator: ", ")
  }

  /// "merging: 60 modules" at the start, if the number is known.
  var beginText: String { stage.rawValue + (total.map { ": " + amount($0) } ?? "") }

  /// "merging: 60 modules in 2.3 s, 26/s".
  var endText: String {
    let what = done > 0 ? amount(done) + " " : ""
    let parts = ["\(what)in \(duration(seconds))", done > 0 ? rateText : nil].compactMap { $0 }
    return "\(stage.rawValue): " + parts.joined(separator: ", ")
  }

  /// One line of less than `width` columns; if there is no room, it omits the bar, the rate, the count and the time left.
  func line(width: Int, isPainted: Bool, isUnicode: Bool) -> String {
    let label = stage.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
    // Growing figures keep their position, and the bar its length.
    let percent = (text: percentText, width: 5)
    let count = (text: countText, width: countWidth)
    let rate = (text: rateText, width: stage.unit == .bytes ? 10 : 6)
    let left = (text: leftText, width: 15)
    let stand = (text: figuresText, width: figures.count * 15)
    let withFigures = figures.isEmpty ? [] : [[percent, count, rate, stand, left], [percent, stand, left]]
    let plain = [[percent, count, rate, left], [percent, count, left], [percent, left], [percent]]
    let columns = (withFigures + plain).first { columns in
      label.count + columns.reduce(0) { $0 + $1.width + 2 } <= width
    }
    guard let columns else { return String((label + (percentText ?? "")).prefix(max(0, width - 1))) }
    let rest = columns.map { text, width in
      let text = text ?? ""
      // The last column is flush left: nothing comes after it.
      return width == left.width ? text : String(repeating: " ", count: max(0, width - text.count)) + text
    }.joined(separator: "  ").trimmingSuffix(while: { $0 == " " })
    // A short bar says nothing, and a long one no more than a medium one.
    let room = width - label.count - columns.reduce(0) { $0 + $1.width + 2 } - 1
    guard let fraction, room >= 8 else { return label + rest }
    return label + bar(fraction, width: min(room, 30), isPainted, isUnicode) + "  " + rest
  }

  private func bar(_ fraction: Double, width: Int, _ isPainted: Bool, _ isUnicode: Bool) -> String {
    let filled = Int(fraction * Double(width))
    let full = String(repeating: isUnicode ? "━" : "#", count: filled)
    let rest = String(repeating: isUnicode ? "─" : ".", count: width - filled)
    return (filled > 0 ? Paint.done(full, if: isPainted) : "")
      + (filled < width ? Paint.faint(rest, if: isPainted) : "")
  }

  private var percentText: String? { fraction.map { "\(Int($0 * 100)) %" } }

  private var countText: String? {
    switch stage.unit {
    case .bytes: total.map { "\(size(done)) of \(size($0))" } ?? (done > 0 ? size(done) : nil)
    default: total.map { "\(done) of \(amount($0))" } ?? (done > 0 ? amount(done) : nil)
    }
  }

  /// The maximum width of the count.
  private var countWidth: Int {
    let end = StageMeter(stage: stage, total: total, done: total ?? 0, seconds: seconds)
    return (end.countText ?? "").count + (stage.unit == .bytes ? 2 : 0)
  }

  private var rateText: String? {
    rate.map { rate in
      stage.unit == .bytes ? "\(size(Int(rate)))/s" : rate >= 10 ? "\(Int(rate))/s" : String(format: "%.1f/s", rate)
    }
  }

  /// "loss 1.234, 512 tokens/s".
  private var figuresText: String? {
    guard !figures.isEmpty else { return nil }
    return figures.map { figure in
      // What is counted in a second has its unit behind it.
      guard figure.name.hasSuffix("/s") else { return "\(figure.name) " + String(format: "%.3f", figure.value) }
      return String(format: figure.value >= 10 ? "%.0f" : "%.1f", figure.value) + " \(figure.name)"
    }.joined(separator: ", ")
  }

  private var leftText: String? { secondsLeft.map { duration($0.rounded(.up)) + " left" } }

  private func amount(_ count: Int) -> String {
    if stage.unit == .bytes { return size(count) }
    return "\(count) \(count == 1 ? String(stage.unit.rawValue.dropLast()) : stage.unit.rawValue)"
  }
}

/// A duration for people: "0.25 s", "12 s", "3 min 5 s", "1 h 2 min".
func duration(_ seconds: Double) -> String {
  if seconds < 1, seconds.rounded() != seconds { return String(format: "%.2f s", seconds) }
  if seconds < 10, seconds.rounded() != seconds { return String(format: "%.1f s", seconds) }
  let whole = Int(min(seconds, 1e9).rounded())
  switch whole {
  case ..<60: return "\(whole) s"
  case ..<3600: return "\(whole / 60) min \(whole % 60) s"
  default: return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}

extension String {
  /// The text without trailing characters of a kind.
  fileprivate func trimmingSuffix(while belongs: (Character) -> Bool) -> Substring {
    self[..<(lastIndex { !belongs($0) }.map(index(after:)) ?? startIndex)]
  }
}
