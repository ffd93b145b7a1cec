import ArgumentParser

/// How a command says how far it is.
enum ProgressStyle: String, CaseIterable, ExpressibleByArgument {
  /// A line that is drawn over itself on a terminal, plain lines elsewhere.
  case auto
  case plain
  /// JSON Lines on standard error, messages included.
  case json
  case none
}
