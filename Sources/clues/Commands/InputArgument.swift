import Diagnostics
import Files
import JSON
import SystemPackage

/// An input on the command line: a path and, if it holds several adapters, which one to use.
public struct InputArgument: Sendable, Equatable {
  public let path: String

  /// The name of the adapter to use; nil leaves it to the bundle.
  public let adapter: String?

  /// Reads `PATH` or `PATH#ADAPTER`, where PATH may be the name of a repository in the Hub's cache. If a file with the whole name exists, it is a path, even with `#` in it.
  public init(_ argument: String) {
    if let mark = argument.lastIndex(of: "#"), mark != argument.startIndex, !FilePath(argument).exists {
      let path = HubName.path(String(argument[..<mark]))
      let name = String(argument[argument.index(after: mark)...])
      if !name.isEmpty, FilePath(path).exists {
        (self.path, adapter) = (path, name)
        return
      }
    }
    (path, adapter) = (HubName.path(argument), nil)
  }

  private init(path: String, adapter: String?) { (self.path, self.adapter) = (path, adapter) }

  /// Reads inputs with the names that `--adapter` gives: one for all of them, or one for each, in order.
  ///
  /// - throws: ``Failure`` `usage` if the names do not match the inputs.
  public static func all(_ arguments: [String], adapters: [String]) throws -> [InputArgument] {
    guard adapters.count <= 1 || adapters.count == arguments.count else {
      throw Failure(
        .usage, "--adapter is given \(adapters.count) times for \(arguments.count) inputs",
        advice: "give it once for all of them, or once for each, in order; or write INPUT#ADAPTER")
    }
    return try arguments.enumerated().map { index, argument in
      let input = InputArgument(argument)
      guard !adapters.isEmpty else { return input }
      let name = adapters.count == 1 ? adapters[0] : adapters[index]
      guard input.adapter == nil || input.adapter == name else {
        throw Failure(
          .usage, "\(argument) names one adapter, and --adapter \(name) another", advice: "keep one of them")
      }
      return InputArgument(path: input.path, adapter: name)
    }
  }

  /// Reads one input and the name that `--adapter` gives.
  public static func one(_ argument: String, adapter: String?) throws -> InputArgument {
    try all([argument], adapters: adapter.map { [$0] } ?? [])[0]
  }
}

extension [InputArgument] {
  /// The inputs as the clients of a recipe.
  ///
  /// Several adapters of one bundle get names made of the bundle's and theirs.
  public var clients: JSONValue {
    .array(
      map { input in
        var client: JSONObject = ["path": .string(input.path)]
        guard let adapter = input.adapter else { return .object(client) }
        client["adapter"] = .string(adapter)
        if filter({ $0.path == input.path }).count > 1 {
          client["name"] = .string(FilePath(input.path).name + "#" + adapter)
        }
        return .object(client)
      })
  }
}
