import Diagnostics
import JSON
import Recipes

/// A `-p key=value` of the command line.
struct ParameterOption {
  let name: String
  let text: String

  init(_ setting: String) throws {
    let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw Failure(.usage, "-p \(setting): this is not key=value", advice: "write for example -p density=0.5")
    }
    (name, text) = (parts[0], parts[1])
  }

  /// The value as JSON: a number, a truth value, or the text as it is.
  var value: JSONValue { (try? JSONReader().read(text)) ?? .string(text) }
}

extension Override {
  /// A `-p key=value` as a setting below `path`.
  init(parameter setting: String, of path: [String]) throws {
    let option = try ParameterOption(setting)
    try self.init(path + [option.name], option.text, from: "-p \(setting)")
  }
}
