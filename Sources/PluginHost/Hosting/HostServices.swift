import CluesPluginABI
import Diagnostics
import Tensors

/// What plugins may request of the run they work for.
public struct HostServices: Sendable {
  /// Receives every log line with the plugin's id.
  public var log: @Sendable (_ plugin: String, _ level: LogLevel, _ text: String) -> Void

  /// Whether the user wants to stop.
  public var isCancelled: @Sendable () -> Bool

  public enum LogLevel: UInt32, Sendable {
    case debug, info, warning
  }

  public init(
    log: @escaping @Sendable (String, LogLevel, String) -> Void = { _, _, _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.log = log
    self.isCancelled = isCancelled
  }
}

/// An input whose rows a plugin may read.
struct ReadableRows {
  let input: Int
  let count: Int
  let read: MergeUnit.RowReader
}

/// The C table of the services for one instance, and the last error.
final class HostTable {
  private let arena = Arena()
  let plugin: String
  let services: HostServices
  /// Whether the plugin ships with Clues: its refusals are then errors of the data or the recipe.
  private let isBuiltIn: Bool
  private var error: String?
  private var allowance = LogAllowance()
  private let scratch = Arena()

  init(_ about: PluginDescription, services: HostServices) {
    plugin = about.id
    isBuiltIn = about.library.isBuiltIn
    self.services = services
  }

  /// The table that is passed to the plugin; valid as long as this object exists.
  private(set) lazy var table: UnsafePointer<clues_host> = {
    var table = clues_host(of: self)
    table.log = { host, level, text in
      guard let hostTable = HostTable.behind(host), let text else { return }
      let (rank, line) = (HostServices.LogLevel(rawValue: level.rawValue) ?? .info, foreignText(text))
      if hostTable.allowance.admits(line, rank) { hostTable.services.log(hostTable.plugin, rank, line) }
    }
    table.set_error = { host, text in
      guard let hostTable = HostTable.behind(host), let text else { return }
      hostTable.error = foreignText(text)
    }
    table.is_cancelled = { HostTable.behind($0)?.services.isCancelled() == true ? 1 : 0 }
    table.scratch = { host, size, alignment in
      guard let size = Int(exactly: size), let alignment = Int(exactly: alignment) else { return nil }
      return HostTable.behind(host)?.scratch.bytes(size, alignment: alignment)
    }
    table.extension = { host, id in
      guard let hostTable = HostTable.behind(host), let id, String(cString: id) == CLUES_EXTENSION_ROWS else {
        return nil
      }
      return UnsafeRawPointer(hostTable.rowsTable)
    }
    return arena.table("the host's table", table)
  }()

  /// The extension for reading rows.
  private lazy var rowsTable: UnsafePointer<clues_rows> = {
    var table = empty(clues_rows.self)
    table.read = { host, input, first, count, target in
      HostTable.behind(host)?.read(input: input, first, count, into: target) ?? CLUES_INVALID_ARGUMENT
    }
    return arena.table("the rows", table)
  }()

  /// The rows that the plugin may read now, and the last error of reading them.
  private var rows: ReadableRows?
  private var readingError: (any Error)?

  /// Lets the plugin read rows while `body` runs.
  func lending(_ rows: ReadableRows, _ body: () throws -> Void) throws {
    self.rows = rows
    readingError = nil
    defer { self.rows = nil }
    do {
      try body()
    } catch {
      throw readingError ?? error
    }
    // A plugin that continues without its rows has no basis for a result.
    if let readingError { throw readingError }
  }

  private func read(input: UInt32, _ first: UInt64, _ count: UInt64, into target: UnsafeMutablePointer<Float>?)
    -> clues_status
  {
    let (end, overflow) = first.addingReportingOverflow(count)
    guard let rows, rows.input == input, !overflow, end <= rows.count, let target else {
      error = "input \(input) has no rows \(first) to \(end) to read"
      return CLUES_INVALID_ARGUMENT
    }
    do {
      try rows.read(Int(first)..<Int(end), target)
      return CLUES_OK
    } catch {
      readingError = error
      self.error = "\(error)"
      return CLUES_INTERNAL
    }
  }

  private static func behind(_ host: UnsafePointer<clues_host>?) -> HostTable? {
    host?.pointee.context.map { Unmanaged<HostTable>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Makes a call and turns its status into an error.
  ///
  /// - throws: ``Failure`` with the plugin's own text; its kind depends on the status.
  func call(_ body: () -> clues_status) throws {
    error = nil
    allowance = LogAllowance()
    defer {
      scratch.reset()
      if let note = allowance.note { services.log(plugin, .warning, note) }
    }
    let status = body()
    if status == CLUES_OK { return }
    if status == CLUES_CANCELLED, services.isCancelled() { throw Interruption.failure }
    guard let error else {
      throw Failure.breach(by: plugin, "failed with status \(status.rawValue) and gave no reason")
    }
    let kind: Failure.Kind =
      switch status {
      case CLUES_INVALID_ARGUMENT where isBuiltIn: .badRecipe
      case CLUES_FAILED_PRECONDITION where isBuiltIn: .badData
      default: .pluginFailed
      }
    throw Failure(kind, error, plugin: plugin, code: .quoted)
  }
}

extension clues_host {
  /// What all hosts have in common; their functions find the host behind `context`.
  package init(of host: AnyObject) {
    self = empty(clues_host.self)
    abi_minor = CLUES_ABI_MINOR
    context = Unmanaged.passUnretained(host).toOpaque()
    random_words = { _, stream, offset, count, words in
      guard let words, let count = Int(exactly: count) else { return }
      RandomStream(key: stream).fill(UnsafeMutableBufferPointer(start: words, count: count), from: offset)
    }
  }
}
