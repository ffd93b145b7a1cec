import ArgumentParser
import Recipes

/// Names for the clients whose bundles are given on the command line, and which of their adapters to use.
struct ClientOptions: ParsableArguments {
  @Option(
    name: .customLong("client"),
    help: ArgumentHelp(
      "A client's name, once for each input in order; by default that of the bundle.", valueName: "name"))
  var names: [String] = []

  @Option(
    name: .customLong("adapter"),
    help: ArgumentHelp(
      "The adapter to use if inputs hold several: once for all inputs, or once for each in order.",
      valueName: "name"))
  var adapters: [String] = []

  /// Checks that every input has a name, or none has.
  func check(inputs: [String]) throws {
    guard names.isEmpty || names.count == inputs.count else {
      throw ValidationError("there are \(names.count) names for \(inputs.count) inputs; give one for each, in order")
    }
  }

  /// The names as settings of a recipe with the inputs as its clients.
  var overrides: [Override] {
    get throws {
      try names.enumerated().map { index, name in
        try Override(["clients", "\(index)", "name"], name, from: "--client \(name)")
      }
    }
  }
}
