import Diagnostics
import Foundation

/// The two streams: results go to standard output, everything else to standard error.
enum Console {
  ///
  /// - throws: ``Failure`` `cannotWrite`: a result that is cut off must not look like success.
  static func result(_ text: String, terminator: String = "\n") throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data((text + terminator).utf8))
    } catch {
      throw Failure(.cannotWrite, "standard output cannot be written: \(error.localizedDescription)")
    }
  }

  /// Text for people: what came from other people's files cannot steer the terminal.
  static func error(_ text: String) {
    // Progress may stand on the line; it makes room.
    write((isInteractive ? "\r\u{1B}[2K" : "") + printable(text) + "\n", to: .standardError)
  }

  static func write(_ text: String, to handle: FileHandle) { try? handle.write(contentsOf: Data(text.utf8)) }

  /// Whether progress may be drawn over itself.
  static var isInteractive: Bool { isatty(STDERR_FILENO) != 0 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Lines of text with control characters made visible.
  static func printable(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { Diagnostics.printable(String($0)) }
      .joined(separator: "\n")
  }
}
