import ArgumentParser

/// What a command says on standard error, and how.
struct MessageOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say nothing but errors; results that were asked for are printed all the same.")
  var quiet = false

  @Option(help: ArgumentHelp("Colour messages: auto, always or never.", valueName: "when"))
  var color = ColorChoice.auto
}

/// How a command that takes its time says how far it is.
struct ProgressOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Progress on standard error: auto, plain lines, json (JSON Lines, messages included) or none.",
      valueName: "style"))
  var progress = ProgressStyle.auto
}

/// A command that follows what the user said about messages.
protocol SpeakingCommand: ParsableCommand {
  var messages: MessageOptions { get }
}

/// A command that takes its time: it says how far it is, and stops in order when it is asked to.
protocol WorkingCommand: SpeakingCommand {
  var progress: ProgressOptions { get }
}

/// How a command says how far it is.
enum ProgressStyle: String, CaseIterable, ExpressibleByArgument {
  /// A line that is drawn over itself on a terminal, plain lines elsewhere.
  case auto
  case plain
  /// JSON Lines on standard error, messages included.
  case json
  case none
}
