/// Why Clues cannot continue: what is wrong, where, and what to do about it.
///
/// This is the only error type. The code that detects a problem states it in one sentence; callers that know more about the
/// place (the file, the client, the tensor) add it on the way up, so that the final message names all of them.
public struct Failure: Error, Sendable, Equatable {
  /// The kind of problem; it decides the exit code.
  public var kind: Kind

  /// What is wrong, in one sentence without a full stop.
  public var message: String

  /// What the user can do next, if known.
  public var advice: String?

  /// The client whose data it is about.
  public var client: String?

  /// The file it is about, as the user wrote it; entries of an archive come after a colon.
  public var file: String?

  /// Line and column in `file`, counted from 1, where that makes sense.
  public var position: Position?

  /// The tensor or module it is about.
  public var tensor: String?

  /// The plugin it is about, by its id; the message continues where its name ends.
  public var plugin: String?

  /// How the message and the plugin belong together.
  public var code: Code?

  /// Further faults, if several can be reported at once.
  public var others: [Failure] = []

  public init(
    _ kind: Kind, _ message: String, advice: String? = nil, client: String? = nil, file: String? = nil,
    position: Position? = nil, tensor: String? = nil, plugin: String? = nil, code: Code? = nil
  ) {
    self.kind = kind
    self.message = message
    self.advice = advice
    self.client = client
    self.file = file
    self.position = position
    self.tensor = tensor
    self.plugin = plugin
    self.code = code
  }

  /// A plugin that violates the contract.
  ///
  /// - parameter message: What it does, as the rest of a sentence that starts with its name.
  public static func breach(
    by plugin: String, _ message: String, client: String? = nil, tensor: String? = nil
  ) -> Failure {
    Failure(
      .pluginFailed, message, advice: "this is a fault of the plugin: tell its author", client: client, tensor: tensor,
      plugin: plugin, code: .breach)
  }

  /// What a plugin has to do with a failure; without a code, the message is about it.
  public enum Code: UInt32, Sendable {
    /// The message is in its own words.
    case quoted = 1
    /// It violates the contract.
    case breach = 2
    /// Its worker violates the protocol.
    case worker = 3
  }

  /// A place in a text file, counted from 1.
  public struct Position: Sendable, Equatable, Hashable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }
  }

  /// The kinds of problem, each with its exit code (sysexits where they have one).
  public enum Kind: Int32, Sendable, CaseIterable {
    case usage = 64
    case badData = 65
    case missingInput = 66
    case pluginNotFound = 69
    case pluginFailed = 70
    case noResources = 71
    case cannotWrite = 73
    case untrustedPlugin = 77
    case badRecipe = 78
    case interrupted = 130

    public var exitCode: Int32 { rawValue }
  }
}

extension Failure {
  /// The message with the plugin that it is about.
  public var statement: String {
    guard let plugin else { return message }
    return switch code {
    case .quoted: "plugin '\(plugin)': \(message)"
    case .worker: "the worker of plugin '\(plugin)' \(message)"
    case .breach, nil: "plugin '\(plugin)' \(message)"
    }
  }
}

extension Failure: CustomStringConvertible {
  /// `file:line:column: error: client 'c', tensor 't': message`, then the advice on a line of its own.
  ///
  /// Text from other people's files is made printable here: no name can forge a line, control a terminal, or fill it.
  public var description: String { text { _, text in text } }

  /// The description with its marked parts painted, one failure after another.
  public func text(_ paint: (Mark, String) -> String) -> String {
    all.map { failure in
      let next = failure.advice.map { "\n  \(paint(.help, "help:")) " + oneLine($0) } ?? ""
      let place = failure.place.map { paint(.place, $0 + ":") + " " } ?? ""
      return "\(place)\(paint(.error, "error:")) \(failure.sentence)\(next)"
    }.joined(separator: "\n")
  }

  /// The highlighted parts of a description.
  public enum Mark: Sendable {
    case place, error, help
  }

  /// This failure and all others in it, in the order of a file.
  public var all: [Failure] {
    var first = self
    first.others = []
    return [first] + others.flatMap(\.all)
  }

  /// `file:line:column`, or as much of it as is known.
  private var place: String? {
    file.map { file in (file.isEmpty ? "''" : oneLine(file)) + (position.map { ":\($0.line):\($0.column)" } ?? "") }
  }

  /// The message, preceded by its subject.
  private var sentence: String {
    let subject = [client.map { "client '\($0)'" }, tensor.map { "tensor '\($0)'" }].compactMap { $0.map(oneLine) }
    return (subject.isEmpty ? "" : subject.joined(separator: ", ") + ": ") + oneLine(statement)
  }
}

extension Failure {
  /// The same failure with missing places filled in; an interruption has none, because it has no cause in the data.
  public func at(client: String? = nil, file: String? = nil, tensor: String? = nil) -> Failure {
    if kind == .interrupted { return self }
    var copy = self
    copy.client = copy.client ?? client
    copy.file = copy.file ?? file
    copy.tensor = copy.tensor ?? tensor
    copy.others = others.map { $0.at(client: client, file: file, tensor: tensor) }
    return copy
  }
}

/// Runs `body` and adds the place to any ``Failure`` it throws.
public func locating<Result>(
  client: String? = nil, file: String? = nil, tensor: String? = nil, _ body: () throws -> Result
) throws -> Result {
  do {
    return try body()
  } catch let failure as Failure {
    throw failure.at(client: client, file: file, tensor: tensor)
  }
}
