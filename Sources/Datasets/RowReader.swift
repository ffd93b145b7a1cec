import Diagnostics
import JSON

/// Reads the rows of a file that is a list of JSON objects or has one object per line.
///
/// A list is split before it is parsed, so that a row needs only its own memory and every fault has its line.
package struct RowReader {
  private let limits: Limits

  package init(limits: Limits) { self.limits = limits }

  /// Passes each row to `body` with the line that it starts in, counted from 1.
  ///
  /// - throws: ``Failure`` `badData` with line and column: invalid JSON, rows that are not objects, too many rows.
  package func read(_ bytes: UnsafeRawBufferPointer, _ body: (JSONObject, Int) throws -> Void) throws {
    // The byte order mark that editors on Windows add.
    let hasMark = bytes.count >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
    let text = UnsafeRawBufferPointer(rebasing: bytes[(hasMark ? 3 : 0)...])
    var count = 0
    func take(_ value: JSONValue, _ line: Int) throws {
      do {
        try Interruption.check()
        guard let object = value.objectValue else {
          throw Failure(
            .badData, "holds \(value.kindName) instead of an object",
            advice: "write one object per sample, in a list or one per line")
        }
        count += 1
        guard count <= Self.mostRows else {
          throw Failure(
            .badData, "holds more than \(Self.mostRows) samples", advice: "divide the file among several captures")
        }
        try body(object, line)
      } catch let failure as Failure {
        throw failure.at(line: line)
      }
    }
    let start = text.first { !Self.isBlank($0) }
    if start == UInt8(ascii: "[") {
      var list = ListCursor(bytes: text)
      while let row = try list.next() {
        try take(try value(of: row), row.place.line)
      }
    } else {
      try JSONReader(limits).readLines(text, take)
    }
  }

  private static let mostRows = 1_000_000

  private func value(of row: ListCursor.Row) throws -> JSONValue {
    do {
      guard row.bytes.count <= limits[.lineSize] else {
        throw Failure(
          beyond: .lineSize, "a sample has \(row.bytes.count) bytes, more than the limit of \(limits[.lineSize])")
      }
      return try JSONReader(limits).read(row.bytes)
    } catch var failure as Failure {
      let inside = failure.position ?? .init(line: 1, column: 1)
      failure.position = .init(
        line: row.place.line + inside.line - 1,
        column: inside.line == 1 ? row.place.column + inside.column - 1 : inside.column)
      throw failure
    }
  }

  fileprivate static func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }
}

/// Walks over the elements of a JSON list without reading them.
private struct ListCursor {
  let bytes: UnsafeRawBufferPointer
  private var at = 0
  private var line = 1
  private var lineStart = 0
  private var state = State.before

  private enum State { case before, inside, after }

  struct Row {
    let bytes: UnsafeRawBufferPointer
    let place: Failure.Position
  }

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func next() throws -> Row? {
    skipBlanks()
    switch state {
    case .before:
      at += 1
      state = .inside
      skipBlanks()
      if take("]") { return try end() }
    case .inside:
      if take("]") { return try end() }
      guard take(",") else { throw failure("expected a comma or a closing bracket") }
      skipBlanks()
    case .after: return nil
    }
    return try element()
  }

  private mutating func end() throws -> Row? {
    state = .after
    skipBlanks()
    if at < bytes.count { throw failure("unexpected text after the end of the list") }
    return nil
  }

  /// Goes to the comma or bracket after an element; its syntax is checked when it is parsed.
  private mutating func element() throws -> Row {
    let place = position
    let start = at
    var depth = 0
    var isText = false
    while at < bytes.count {
      let byte = bytes[at]
      if isText {
        if byte == UInt8(ascii: "\\") { at += 1 } else if byte == UInt8(ascii: "\"") { isText = false }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isText = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
          if depth == 0 {
            guard at > start else { throw failure("expected a sample") }
            return Row(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<at]), place: place)
          }
          if byte != UInt8(ascii: ",") { depth -= 1 }
        default: break
        }
      }
      advance()
    }
    at = min(at, bytes.count)
    throw failure("the list is not closed")
  }

  private mutating func advance() {
    if at < bytes.count, bytes[at] == 0x0A {
      line += 1
      lineStart = at + 1
    }
    at += 1
  }

  private mutating func skipBlanks() {
    while at < bytes.count, RowReader.isBlank(bytes[at]) { advance() }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard at < bytes.count, bytes[at] == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  private var position: Failure.Position { .init(line: line, column: at - lineStart + 1) }

  private func failure(_ message: String) -> Failure { Failure(.badData, message, position: position) }
}

extension Failure {
  /// The same failure in a line of its file, if it has none yet.
  func at(line: Int) -> Failure {
    if kind == .interrupted { return self }
    var copy = self
    copy.position = copy.position ?? .init(line: line, column: 1)
    return copy
  }
}
