import Glibc

/// How much a plugin may log in one call, counting warnings and other lines separately; further lines are only counted.
struct LogAllowance {
  static let mostLines = 1000
  static let mostBytes = 256 << 10

  /// More messages than a worker passes on in a call, including those of the previous instance and the note.
  static let mostMessages = 8 * mostLines

  private var warnings = Share()
  private var others = Share()

  private struct Share {
    var lines = 0
    var bytes = 0
    var omitted = 0

    mutating func admits(_ text: String) -> Bool {
      guard lines < mostLines, bytes + text.utf8.count <= mostBytes else {
        omitted += 1
        return false
      }
      lines += 1
      bytes += text.utf8.count
      return true
    }
  }

  /// Whether this line is passed on.
  mutating func admits(_ text: String, _ level: HostServices.LogLevel) -> Bool {
    level == .warning ? warnings.admits(text) : others.admits(text)
  }

  /// A note on the warnings that were not passed on.
  var note: String? {
    warnings.omitted == 0
      ? nil : "\(warnings.omitted) more warnings of one call are left out: the limit is \(Self.mostLines)"
  }
}

/// A plugin's text, cut if it is too long to read.
func foreignText(_ text: UnsafePointer<CChar>) -> String {
  let most = 1 << 14
  let size = strnlen(text, most)
  let start = UnsafeRawBufferPointer(start: text, count: size)
  return String(decoding: start, as: UTF8.self) + (size == most ? "…" : "")
}
