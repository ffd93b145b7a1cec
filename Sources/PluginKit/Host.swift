import Diagnostics

/// What the host offers to an instance.
public struct Host {
  private let table: UnsafePointer<clues_host>

  init(_ table: UnsafePointer<clues_host>) { self.table = table }

  /// How important a log line is.
  public enum LogLevel: CaseIterable, Sendable { case debug, info, warning }

  /// Writes a line to the host's log.
  public func log(_ text: String, level: LogLevel = .info) {
    text.withCString { table.pointee.log(table, level.cValue, $0) }
  }

  /// Throws if the user wants to stop; call it every few milliseconds of work.
  public func checkCancellation() throws {
    if table.pointee.is_cancelled(table) != 0 { throw PluginError("cancelled", status: .cancelled) }
  }

  /// Words of a random stream from `offset` on; they depend only on stream and position.
  public func randomWords(stream: UInt64, offset: UInt64, count: Int) -> [UInt64] {
    [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
      fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]), stream: stream, offset: offset)
      initialized = count
    }
  }

  /// Fills `words` with a random stream from `offset` on.
  public func fill(_ words: UnsafeMutableBufferPointer<UInt64>, stream: UInt64, offset: UInt64) {
    if let start = words.baseAddress { table.pointee.random_words(table, stream, offset, UInt64(words.count), start) }
  }

  /// Writes rows of an input that is not entirely in memory.
  func read(_ rows: Range<Int>, of input: Int, into target: UnsafeMutablePointer<Float>) throws {
    guard let pointer = table.pointee.extension(table, CLUES_EXTENSION_ROWS) else {
      throw PluginError("the host has no rows to read", status: .unsupported)
    }
    let status = pointer.assumingMemoryBound(to: clues_rows.self).pointee
      .read(table, UInt32(input), UInt64(rows.lowerBound), UInt64(rows.count), target)
    guard status == CLUES_OK else {
      throw PluginError("rows of input \(input) cannot be read", status: .init(status) ?? .internalError)
    }
  }

  func setError(_ text: String) { text.withCString { table.pointee.set_error(table, $0) } }
}

extension Host.LogLevel: CCounterpart {
  var cValue: clues_log_level {
    switch self {
    case .debug: CLUES_LOG_DEBUG
    case .info: CLUES_LOG_INFO
    case .warning: CLUES_LOG_WARNING
    }
  }
}

/// Runs a call of the host and turns thrown errors into a status and a text.
func answer(to host: Host, _ body: () throws -> Void) -> clues_status {
  do {
    try body()
    return CLUES_OK
  } catch let error as PluginError {
    host.setError(error.message)
    return error.status.cValue
  } catch let failure as Failure {
    host.setError(failure.message + (failure.advice.map { "; \($0)" } ?? ""))
    return switch failure.kind {
    case .badData: CLUES_FAILED_PRECONDITION
    case .usage, .badRecipe: CLUES_INVALID_ARGUMENT
    default: CLUES_INTERNAL
    }
  } catch {
    host.setError("\(error)")
    return CLUES_INTERNAL
  }
}
