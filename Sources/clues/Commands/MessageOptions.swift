import ArgumentParser

/// What a command prints on standard error, and how.
struct MessageOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Print only errors and requested results.")
  var quiet = false

  @Option(help: ArgumentHelp("Colour messages: auto, always or never.", valueName: "when"))
  var color = ColorChoice.auto
}

/// How a long-running command reports progress.
struct ProgressOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Progress on standard error: auto, plain lines, json (JSON Lines, messages included) or none.",
      valueName: "style"))
  var progress = ProgressStyle.auto
}

/// A command with options for its messages.
protocol SpeakingCommand: ParsableCommand {
  var messages: MessageOptions { get }
}

/// A long-running command: it reports progress, and stops cleanly when asked to.
protocol WorkingCommand: SpeakingCommand {
  var progress: ProgressOptions { get }
}

/// How a command reports progress.
enum ProgressStyle: String, CaseIterable, ExpressibleByArgument {
  /// A line that is redrawn on a terminal, plain lines elsewhere.
  case auto
  case plain
  /// JSON Lines on standard error, messages included.
  case json
  case none
}
