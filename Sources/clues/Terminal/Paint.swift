/// The colours of messages.
enum Paint: String {
  case error = "1;31"
  case warning = "1;33"
  case help = "36"
  case place = "1"
  case done = "32"
  case faint = "2"

  /// The text between the terminal's sequences for this colour.
  func callAsFunction(_ text: String, if isPainted: Bool) -> String {
    isPainted ? "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" : text
  }
}
