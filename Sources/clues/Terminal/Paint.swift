import ArgumentParser

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

/// When messages are coloured.
enum ColorChoice: String, CaseIterable, ExpressibleByArgument {
  case auto, always, never

  /// The order of precedence: the option, NO_COLOR, CLICOLOR_FORCE, a dumb terminal, whether there is a terminal at all.
  /// (no-color.org and bixense.com/clicolors; an empty variable counts as not set.)
  func paints(environment: [String: String], isTerminal: Bool) -> Bool {
    func isSet(_ variable: String) -> Bool { !(environment[variable] ?? "").isEmpty }
    switch self {
    case .always: return true
    case .never: return false
    case .auto:
      if isSet("NO_COLOR") { return false }
      if isSet("CLICOLOR_FORCE"), environment["CLICOLOR_FORCE"] != "0" { return true }
      return isTerminal && environment["TERM"] != "dumb"
    }
  }
}
