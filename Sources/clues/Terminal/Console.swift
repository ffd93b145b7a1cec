import Diagnostics
import Files
import Foundation
import Synchronization

/// The two streams: results go to standard output, everything else to standard error.
enum Console {
  /// How messages are written.
  struct Settings {
    var isPainted = ColorChoice.auto.paints(
      environment: ProcessInfo.processInfo.environment, isTerminal: isatty(STDERR_FILENO) != 0)
    var isQuiet = false
    var isJSON = false
  }

  // Locked because messages are written from any thread.
  private static let settings = Mutex(Settings())

  /// Applies the user's options for messages.
  static func configure(_ options: MessageOptions, progress: ProgressStyle) {
    settings.withLock { settings in
      settings.isPainted = options.color.paints(
        environment: ProcessInfo.processInfo.environment, isTerminal: isatty(STDERR_FILENO) != 0)
      settings.isQuiet = options.quiet
      settings.isJSON = progress == .json
    }
  }

  /// The observer for this style of progress.
  static func observer(_ style: ProgressStyle) -> any Observer {
    let settings = settings.withLock { $0 }
    if settings.isQuiet { return Unobserved() }
    switch style {
    case .auto where Screen.isTerminal:
      return ProgressObserver(LiveProgress(isPainted: settings.isPainted, isUnicode: isUnicode))
    case .auto, .plain: return ProgressObserver(PlainProgress())
    case .json: return ProgressObserver(JSONProgress())
    case .none: return ProgressObserver(NoProgress())
    }
  }

  /// Prints a result to standard output, with terminal controls made visible: much of it comes from other people's files.
  ///
  /// If a reader closes the pipe early, like `head`, it has what it wants: the program ends quietly.
  ///
  /// - throws: ``Failure`` `cannotWrite`: a truncated result must not look like success.
  static func result(_ text: String, terminator: String = "\n") throws {
    try write(printable(text) + terminator)
  }

  /// Prints Clues' own text to standard output, unchanged.
  static func write(_ text: String) throws {
    guard !writeAll(text, to: STDOUT_FILENO) else { return }
    if errno == EPIPE { exit(0) }
    throw Failure(
      .cannotWrite, "standard output cannot be written: \(systemMessage())",
      advice: "check the free space, or where the output goes")
  }

  /// Prints a message about a result that is on disk.
  ///
  /// If standard output cannot be written, the result still exists: that is a warning and not a failure.
  static func done(_ text: String) {
    do {
      try result(text)
    } catch let failure as Failure {
      // The user asked for it and it is lost, so this is printed even with -q.
      note(.warning("\(failure.statement); the result itself is complete and in place"), isAsked: true)
    } catch {}
  }

  /// Prints a failure with all others in it; text from other people's files cannot control the terminal.
  static func failure(_ failure: Failure) {
    let settings = settings.withLock { $0 }
    if settings.isJSON { return JSONProgress.print(failure) }
    // Someone with this many mistakes to fix will not miss the rest before the next check.
    let (shown, count) = (failure.shown(20), failure.all.count)
    Screen.standardError.print(
      shown.text { mark, text in
        switch mark {
        case .place: Paint.place(text, if: settings.isPainted)
        case .error: Paint.error(text, if: settings.isPainted)
        case .help: Paint.help(text, if: settings.isPainted)
        }
      } + (count > 20 ? "\nand \(count - 20) more" : ""))
  }

  /// Prints a message of the command line parser: "Error: …", usage, and where to find help.
  ///
  /// - parameter hints: What was probably meant; printed like the advice of other errors.
  static func usage(_ text: String, hints: [String]) {
    let settings = settings.withLock { $0 }
    let mark = "Error: "
    // The parser repeats the arguments, including line breaks.
    let text = CommandLine.arguments.filter { $0.contains { $0.isNewline } }
      .reduce(text) { $0.replacing($1, with: Diagnostics.printable($1)) }
    let message = text.hasPrefix(mark) ? String(text.dropFirst(mark.count)) : text
    var lines = (Paint.error("error:", if: settings.isPainted) + " " + printable(message)).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    lines.insert(
      contentsOf: hints.map { "  \(Paint.help("help:", if: settings.isPainted)) \(Diagnostics.printable($0))" }, at: 1)
    Screen.standardError.print(lines.joined(separator: "\n"))
  }

  /// Prints a note, unless the user wants none.
  static func note(_ note: Note, isAsked: Bool = false) {
    let settings = settings.withLock { $0 }
    if settings.isQuiet, !isAsked { return }
    if settings.isJSON { return JSONProgress.print(note) }
    let mark = note.severity == .warning ? "warning:" : "note:"
    let text = broken("\(mark) \(note.text)").dropFirst(mark.count)
    let paint = note.severity == .warning ? Paint.warning : Paint.help
    Screen.standardError.print(paint(mark, if: settings.isPainted) + text)
  }

  /// Prose wrapped to fit a terminal, with all lines but the first indented; on one line elsewhere.
  private static func broken(_ text: String) -> String {
    guard Screen.isTerminal, let columns = Screen.columns(of: STDERR_FILENO) else { return text }
    return wrapped(text, to: max(20, columns - 2)).replacing("\n", with: "\n  ")
  }

  /// The layout of results for people: names are shortened only on a terminal.
  static var page: PageLayout {
    guard isatty(STDOUT_FILENO) != 0 else { return PageLayout() }
    return PageLayout(columns: max(40, Screen.columns(of: STDOUT_FILENO) ?? 80), shortensNames: true)
  }

  /// Whether the terminal can display more than ASCII.
  private static var isUnicode: Bool {
    let environment = ProcessInfo.processInfo.environment
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    return locale.lowercased().replacing("-", with: "").contains("utf8")
  }

  /// Lines of text with control characters made visible.
  private static func printable(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { Diagnostics.printable(String($0)) }
      .joined(separator: "\n")
  }
}

extension Failure {
  /// The failure with at most this many in total.
  fileprivate func shown(_ count: Int) -> Failure {
    var copy = self
    let all = all
    copy.others = Array(all.dropFirst().prefix(count - 1))
    return copy
  }
}
