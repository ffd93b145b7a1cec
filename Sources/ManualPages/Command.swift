import JSON

/// A command as ArgumentParser describes it in `--experimental-dump-help`.
struct Command: JSONRecord {
  private(set) var name = ""
  private(set) var abstract = ""
  private(set) var discussion = ""
  private var allArguments: [Argument] = []
  private var allSubcommands: [Command] = []
  private var shouldDisplay = true
  /// The names that lead to it: clues, plugins, show.
  private(set) var path: [String] = []

  static let fields: [JSONField<Self>] = [
    .key("commandName", \.name, .text), .optional("abstract", \.abstract, .text),
    .optional("discussion", \.discussion, .text), .optional("arguments", \.allArguments, .list(of: .record)),
    .optional("subcommands", \.allSubcommands, .list(of: .record)), .optional("shouldDisplay", \.shouldDisplay, .flag),
  ]

  init() {}

  /// - parameter help: What ArgumentParser says of the program.
  init(help: JSONValue) throws { self = try Command(help).below([]) }

  private func below(_ parents: [String]) -> Command {
    var copy = self
    copy.path = parents + [name]
    return copy
  }

  var arguments: [Argument] { allArguments.filter(\.isShown) }

  /// ArgumentParser's own `help` is left out: it does what --help does.
  var subcommands: [Command] {
    allSubcommands.filter { $0.shouldDisplay && $0.name != "help" }.map { $0.below(path) }
  }

  var pageName: String { path.joined(separator: "-") }
}

/// An argument, an option or a flag.
struct Argument: JSONRecord {
  private var kind = ""
  private var allNames: [Name] = []
  private(set) var valueName = ""
  private(set) var abstract = ""
  private(set) var defaultValue: String?
  private(set) var isOptional = true
  private(set) var isRepeating = false
  private(set) var isShown = true

  static let fields: [JSONField<Self>] = [
    .key("kind", \.kind, .text), .optional("names", \.allNames, .list(of: .record)),
    .optional("valueName", \.valueName, .text), .optional("abstract", \.abstract, .text),
    .optional("defaultValue", \.defaultValue, .text), .optional("isOptional", \.isOptional, .flag),
    .optional("isRepeating", \.isRepeating, .flag), .optional("shouldDisplay", \.isShown, .flag),
  ]

  init() {}

  var names: [String] { allNames.map { ($0.kind == "long" ? "--" : "-") + $0.name } }

  var isFlag: Bool { kind == "flag" }

  private struct Name: JSONRecord {
    var (kind, name) = ("", "")

    static let fields: [JSONField<Self>] = [.key("kind", \.kind, .text), .key("name", \.name, .text)]
  }
}
