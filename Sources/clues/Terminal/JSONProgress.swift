import Diagnostics
import JSON

/// Progress and messages as JSON Lines: one object per line, distinguished by `type`.
///
/// `begin`, `advance` and `end` have `stage`, `unit`, `done`, `total` (null if unknown) and `seconds` since the stage began;
/// `warning` and `log` have `message`; `error` has `message`, `kind`, `exit_code` and, if known, `advice`, `file`, `line`,
/// `column`, `client` and `tensor`. Readers must ignore unknown types and members.
struct JSONProgress: ProgressDisplay {
  private var last = 0

  mutating func begin(_ meter: StageMeter) {
    last = 0
    Self.print("begin", meter.members)
  }

  mutating func tick(_ meter: StageMeter) {
    guard meter.done != last else { return }
    last = meter.done
    Self.print("advance", meter.members)
  }

  func end(_ meter: StageMeter) { Self.print("end", meter.members) }

  static func print(_ note: Note) {
    print(note.severity == .warning ? "warning" : "log", [("message", .string(note.text))])
  }

  static func print(_ failure: Failure) {
    for failure in failure.all { print("error", failure.json.members.map { ($0.key, $0.value) }) }
  }

  static func print(_ type: String, _ members: [(String, JSONValue)]) {
    let head: [(String, JSONValue)] = [("schema", "clues/progress/1"), ("type", .string(type))]
    Screen.standardError.print(JSONValue.object(JSONObject(head + members)).text())
  }
}

extension StageMeter {
  fileprivate var members: [(String, JSONValue)] {
    [
      ("stage", .string(stage.rawValue)), ("unit", .string(stage.unit.rawValue)), ("done", JSONValue(done)),
      ("total", total.map { JSONValue($0) } ?? .null), ("seconds", .number((seconds * 1000).rounded() / 1000)),
    ] + figures.map { ($0.key, number($0.value)) }
  }
}

extension Failure {
  /// The failure for programs, without the others in it.
  var json: JSONObject {
    var object = JSONObject([("kind", .string("\(kind)")), ("message", .string(statement))])
    object["advice"] = advice.map { .string($0) }
    object["file"] = file.map { .string($0) }
    object["line"] = position.map { JSONValue($0.line) }
    object["column"] = position.map { JSONValue($0.column) }
    object["client"] = client.map { .string($0) }
    object["tensor"] = tensor.map { .string($0) }
    object["plugin"] = plugin.map { .string($0) }
    object["exit_code"] = JSONValue(Int(kind.exitCode))
    return object
  }
}
