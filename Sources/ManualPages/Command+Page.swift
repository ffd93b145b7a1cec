extension Command {
  /// The page in the macros of man(7).
  func page(version: String) -> String {
    var page = Roff()
    page.macro("TH", pageName.uppercased(), "1", "", "Clues \(version)", "Clues")
    page.section("NAME")
    let summary = abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract
    page.line("\(Roff.escaped(pageName)) \\- \(Roff.escaped(summary))")
    page.section("SYNOPSIS")
    page.line(synopsis)
    if !discussion.isEmpty {
      if !discussion.hasPrefix("Example") { page.section("DESCRIPTION") }
      page.prose(discussion)
    }
    if !subcommands.isEmpty {
      page.section("COMMANDS")
      for command in subcommands { page.item(Roff.bold(command.pageName) + "(1)", command.abstract) }
    }
    if !arguments.isEmpty {
      page.section("OPTIONS")
      for argument in arguments { page.item(argument.heading, argument.text) }
    }
    if path.count > 1 {
      page.section("SEE ALSO")
      page.line((1..<path.count).map { Roff.bold(path[..<$0].joined(separator: "-")) + "(1)" }.joined(separator: ", "))
    }
    return page.text
  }

  private var synopsis: String {
    let needed = arguments.filter { !$0.isOptional }.map { argument in
      let value = Roff.italic(argument.valueName)
      let name = argument.names.last.map { Roff.bold($0) + (argument.isFlag ? "" : " " + value) } ?? value
      return name + (argument.isRepeating ? " ..." : "")
    }
    let rest = arguments.contains(where: \.isOptional) ? ["[" + Roff.italic("options") + "]"] : []
    let commands = subcommands.isEmpty ? [] : [Roff.italic("command")]
    return ([Roff.bold(path.joined(separator: " "))] + commands + needed + rest).joined(separator: " ")
  }
}

extension Argument {
  fileprivate var heading: String {
    if names.isEmpty { return Roff.italic(valueName) }
    return names.map(Roff.bold).joined(separator: ", ") + (isFlag ? "" : " " + Roff.italic(valueName))
  }

  fileprivate var text: String { abstract + (defaultValue.map { " (default: \($0))" } ?? "") }
}

/// A page of roff as it grows.
struct Roff {
  private(set) var text = ""

  mutating func line(_ line: String) {
    // A point or an apostrophe at the start of a line would be a request.
    text += (line.first.map { ".'".contains($0) } == true ? "\\&" : "") + line + "\n"
  }

  mutating func macro(_ name: String, _ arguments: String...) {
    text += ".\(name) " + arguments.map { "\"\(Self.escaped($0))\"" }.joined(separator: " ") + "\n"
  }

  mutating func section(_ title: String) { text += ".SH \(title)\n" }

  mutating func item(_ heading: String, _ body: String) {
    text += ".TP\n"
    line(heading)
    line(Self.escaped(body))
  }

  /// Paragraphs; lines that start with spaces are examples or tables and stay as they are. A line that announces
  /// examples or exit codes becomes a section of its own.
  mutating func prose(_ prose: String) {
    var (isVerbatim, isFirst) = (false, true)
    func change(to verbatim: Bool) -> String {
      defer { isVerbatim = verbatim }
      return verbatim == isVerbatim ? "" : verbatim ? ".EX\n" : ".EE\n"
    }
    var isParted = false
    for line in prose.split(separator: "\n", omittingEmptySubsequences: false) {
      switch line {
      case "": isParted = true
      case "Example:", "Examples:", "Exit codes:":
        text += change(to: false)
        section(line == "Exit codes:" ? "EXIT STATUS" : "EXAMPLES")
        (isFirst, isParted) = (true, false)
      default:
        if !line.hasPrefix("  ") { text += change(to: false) }
        if isParted, !isFirst { text += ".PP\n" }
        if line.hasPrefix("  ") { text += change(to: true) }
        self.line(Self.escaped(String(line)))
        (isFirst, isParted) = (false, false)
      }
    }
    text += change(to: false)
  }

  static func bold(_ text: String) -> String { "\\fB\(escaped(text))\\fR" }
  static func italic(_ text: String) -> String { "\\fI\(escaped(text))\\fR" }

  /// The text with what roff would read as its own written out.
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { escaped, character in
      switch character {
      case "\\": escaped += "\\e"
      case "-": escaped += "\\-"
      case "\"": escaped += "\\(dq"
      case "'": escaped += "\\(aq"
      case "`": escaped += "\\(ga"
      case "^": escaped += "\\(ha"
      case "~": escaped += "\\(ti"
      default: escaped.append(character)
      }
    }
  }
}
