import ArgumentParser

/// When messages are coloured.
enum ColorChoice: String, CaseIterable, ExpressibleByArgument {
  case auto, always, never

  /// The option goes before NO_COLOR, that before CLICOLOR_FORCE, that before a dumb terminal, that before whether there
  /// is a terminal at all. (no-color.org and bixense.com/clicolors; a variable that is empty counts as not set.)
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
