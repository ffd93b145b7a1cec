import Foundation

/// The colours of heat maps: from the page's background to blue, and to orange below zero.
///
/// Blue and orange are distinct for the colour-blind, lightness changes monotonically in both, and every cell has the text
/// colour, black or white, with more contrast: at least 4.58 to 1 on any colour (WCAG 2.2, relative luminance).
enum Palette {
  /// The number of steps from none to the strongest colour.
  static let levels = 8

  /// The class of a cell; 1 is the strongest colour and −1 the strongest below zero.
  static func name(of share: Double) -> String {
    let level = Int((min(1, max(-1, share.isNaN ? 0 : share)) * Double(levels)).rounded())
    return level < 0 ? "w\(-level)" : "c\(level)"
  }

  static let light = rules(ground: RGB(0xF1F4F7), cool: RGB(0x0B4F8A), warm: RGB(0x9C4A00))
  static let dark = rules(ground: RGB(0x22272E), cool: RGB(0x9CCBF5), warm: RGB(0xFFB870))

  private static func rules(ground: RGB, cool: RGB, warm: RGB) -> String {
    [("c", cool), ("w", warm)].flatMap { name, strongest in
      (0...levels).map { level in
        let colour = ground.mixed(with: strongest, share: Double(level) / Double(levels))
        return ".\(name)\(level) rect{fill:\(colour.css)}.\(name)\(level) text{fill:\(colour.ink)}"
      }
    }.joined(separator: "\n")
  }
}

/// A colour of the screen.
struct RGB: Sendable {
  private let parts: [Double]

  init(_ hex: UInt32) { parts = [16, 8, 0].map { Double(hex >> $0 & 0xFF) } }

  private init(parts: [Double]) { self.parts = parts }

  func mixed(with other: RGB, share: Double) -> RGB {
    RGB(parts: zip(parts, other.parts).map { ($0 + ($1 - $0) * share).rounded() })
  }

  var css: String { "#" + parts.map { String(format: "%02x", Int($0)) }.joined() }

  /// Black or white, whichever has more contrast with this colour.
  var ink: String { luminance > 0.179 ? "#000" : "#fff" }

  private var luminance: Double {
    let linear = parts.map { part in
      let share = part / 255
      return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
  }
}
