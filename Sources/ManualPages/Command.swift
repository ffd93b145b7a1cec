import Diagnostics
import JSON

/// A command as ArgumentParser describes it in `--experimental-dump-help`.
struct Command {
  /// The names that lead to it: clues, plugins, show.
  let path: [String]
  let abstract: String
  let discussion: String
  let arguments: [Argument]
  let subcommands: [Command]

  init(_ value: JSONValue, below parents: [String] = []) throws {
    guard let object = value.objectValue, let name = object["commandName"]?.stringValue else {
      throw Failure(.badData, "a command has no name")
    }
    let path = parents + [name]
    self.path = path
    abstract = object["abstract"]?.stringValue ?? ""
    discussion = object["discussion"]?.stringValue ?? ""
    arguments = try (object["arguments"]?.arrayValue ?? []).map { try Argument($0) }.filter(\.isShown)
    subcommands = try (object["subcommands"]?.arrayValue ?? []).filter { command in
      // ArgumentParser's own `help` does what --help does.
      command.objectValue?["shouldDisplay"]?.boolValue != false && command.objectValue?["commandName"] != "help"
    }.map { try Command($0, below: path) }
  }

  var pageName: String { path.joined(separator: "-") }
}

/// An argument, an option or a flag.
struct Argument {
  let names: [String]
  let isFlag: Bool
  let valueName: String
  let abstract: String
  let defaultValue: String?
  let isOptional: Bool
  let isRepeating: Bool
  let isShown: Bool

  init(_ value: JSONValue) throws {
    guard let object = value.objectValue, let kind = object["kind"]?.stringValue else {
      throw Failure(.badData, "an argument has no kind")
    }
    names = (object["names"]?.arrayValue ?? []).compactMap { name in
      guard let object = name.objectValue, let text = object["name"]?.stringValue else { return nil }
      return object["kind"] == "long" ? "--" + text : "-" + text
    }
    isFlag = kind == "flag"
    valueName = object["valueName"]?.stringValue ?? ""
    abstract = object["abstract"]?.stringValue ?? ""
    defaultValue = object["defaultValue"]?.stringValue
    isOptional = object["isOptional"]?.boolValue ?? true
    isRepeating = object["isRepeating"]?.boolValue ?? false
    isShown = object["shouldDisplay"]?.boolValue ?? true
  }
}
