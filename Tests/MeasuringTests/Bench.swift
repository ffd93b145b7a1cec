import Diagnostics
import Foundation
import JSON
import Records
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Measuring

/// Hears what a measurement says.
final class Listener: Observer {
  private let heard = Mutex<(notes: [String], totals: [RunStage: Int], done: [RunStage: [Int]])>(([], [:], [:]))

  var notes: [String] { heard.withLock { $0.notes } }

  /// Whether every stage that began did all that it said.
  var isWhole: Bool { heard.withLock { $0.totals == $0.done.mapValues { $0.reduce(0, +) } && !$0.totals.isEmpty } }

  /// How much was done each time that something was.
  func portions(of stage: RunStage) -> [Int] { heard.withLock { $0.done[stage] ?? [] } }

  func begin(_ stage: RunStage, total: Int?) { heard.withLock { $0.totals[stage] = total ?? 0 } }
  func advance(_ stage: RunStage, by amount: Int) { heard.withLock { $0.done[stage, default: []].append(amount) } }
  func end(_ stage: RunStage) {}
  func note(_ note: Note) { heard.withLock { $0.notes.append(note.text) } }
}

/// The fixture of captures: a model that reads text, and an adapter.
func textSettings(_ data: [(domain: String?, path: String)]) -> MeasureSettings {
  MeasureSettings(
    inputs: [.init(path: fixture("capture/client"))], base: fixture("capture/base"), data: data)
}

func measure(_ settings: MeasureSettings, _ listener: Listener = Listener()) throws -> MeasureRecord {
  try Measurement(settings, observer: listener).run()
}

func json(_ path: String) throws -> JSONObject {
  let bytes = try Bytes(mapping: path)
  return try #require(try bytes.withUnsafeBytes { try JSONReader().read($0) }.objectValue)
}

/// The objects of a file of JSON Lines.
func lines(_ path: String) throws -> [JSONObject] {
  try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
    try #require(try JSONReader().read(String($0)).objectValue)
  }
}

/// Writes a file of samples.
func write(_ text: String, to name: String, in folder: URL) throws -> String {
  let path = folder.appending(path: name).path
  try Data(text.utf8).write(to: URL(filePath: path))
  return path
}

extension JSONValue {
  subscript(key: String) -> JSONValue? { objectValue?[key] }
}

extension MeasureRecord {
  func table(_ kind: Kind) throws -> [Part] { try #require(parts[kind]) }
}
