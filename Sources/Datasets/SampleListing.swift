import Diagnostics
import Tokenizers

/// A sample token by token, for people who want to check what is learned.
package struct SampleListing {
  private let sample: TokenizedSample
  private let tokenizer: Tokenizer?

  package init(_ sample: TokenizedSample, tokenizer: Tokenizer?) {
    self.sample = sample
    self.tokenizer = tokenizer
  }

  /// A line for each token: its index, `*` if it is learned and `+` if it is measured, its id and its text.
  package func text(name: String, learned: LossSpan, measured: LossSpan) -> String {
    let (isLearned, isMeasured) = (sample.counts(learned), sample.counts(measured))
    let cut = sample.isCut ? ", \(sample.fullLength - sample.tokens.count) more are cut off" : ""
    let head =
      "\(oneLine(name)): \(sample.tokens.count) tokens, \(isLearned.count { $0 }) learned, "
      + "\(isMeasured.count { $0 }) measured\(cut)"
    let width = "\(sample.tokens.count)".count
    let idWidth = sample.tokens.map { "\($0)".count }.max() ?? 1
    let lines = sample.tokens.indices.map { place in
      let mark = (isLearned[place] ? "*" : " ") + (isMeasured[place] ? "+" : " ")
      let id = Self.flushRight("\(sample.tokens[place])", idWidth)
      let words = tokenizer.map { "  " + Self.quoted($0.decode([sample.tokens[place]])) } ?? ""
      return "  \(Self.flushRight("\(place)", width)) \(mark) \(id)\(words)"
    }
    return ([head] + lines).joined(separator: "\n")
  }

  /// With escaped line breaks and tabs, and everything visible that would control a terminal.
  private static func quoted(_ text: String) -> String {
    let escaped = text.unicodeScalars.reduce(into: "") { shown, scalar in
      switch scalar {
      case "\n": shown += "\\n"
      case "\r": shown += "\\r"
      case "\t": shown += "\\t"
      case "\\": shown += "\\\\"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return "\"\(oneLine(escaped))\""
  }

  private static func flushRight(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
