import Datasets
import Diagnostics
import Foundation
import JSON
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Capture

/// Hears what a capture says.
final class Listener: Observer {
  private let heard = Mutex<(notes: [String], total: Int, done: Int, advances: Int)>(([], 0, 0, 0))

  var notes: [String] { heard.withLock { $0.notes } }
  var total: Int { heard.withLock { $0.total } }
  var done: Int { heard.withLock { $0.done } }
  /// How often it heard that some more is done.
  var advances: Int { heard.withLock { $0.advances } }

  func begin(_ stage: RunStage, total: Int?) { heard.withLock { $0.total = total ?? 0 } }
  func advance(_ stage: RunStage, by amount: Int) {
    heard.withLock {
      $0.done += amount
      $0.advances += 1
    }
  }
  func end(_ stage: RunStage) {}
  func note(_ note: Note) { heard.withLock { $0.notes.append(note.text) } }
}

/// A client of the tiny fixture in a folder of its own, without evidence, and its samples as tokens.
struct TinyClient {
  let folder: URL

  init(_ name: String, in root: URL) throws {
    let files = FileManager.default
    folder = root.appending(path: name)
    for step in [4, 8] {
      let checkpoint = folder.appending(path: "checkpoint-\(step)")
      try files.createDirectory(at: checkpoint, withIntermediateDirectories: true)
      for file in ["adapter_config.json", "adapter_model.safetensors", "optimizer.pt", "trainer_state.json"] {
        try files.copyItem(
          atPath: fixture("tiny/\(name)/checkpoint-\(step)/\(file)"), toPath: checkpoint.appending(path: file).path)
      }
    }
    let bytes = try Bytes(mapping: fixture("tiny/data.json"))
    let data = try #require(try bytes.withUnsafeBytes { try JSONReader().read($0) }.objectValue)
    for client in ["c0", "c1"] {
      for (split, file) in [("train", "train"), ("anchor", "anchor"), ("val", "validation")] {
        let rows = try #require(data[client]?.objectValue?[split]?.arrayValue)
        try text(rows.map { $0.text() + "\n" }.joined(), to: "\(client).\(file).jsonl")
      }
    }
  }

  func path(_ name: String) -> String { folder.deletingLastPathComponent().appending(path: name).path }

  func text(_ text: String, to name: String) throws { try Data(text.utf8).write(to: URL(filePath: path(name))) }

  var settings: CaptureSettings {
    let name = folder.lastPathComponent
    return CaptureSettings(
      client: folder.path, base: fixture("tiny/base"), train: [path("\(name).train.jsonl")],
      anchor: path("\(name).anchor.jsonl"),
      validation: [("c0", path("c0.validation.jsonl")), ("c1", path("c1.validation.jsonl"))])
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
  }
}

/// The rows of a ledger, by step, split and id.
func rows(_ text: String) throws -> [String: JSONObject] {
  try text.split(separator: "\n").reduce(into: [:]) { rows, line in
    let object = try #require(try JSONReader().read(String(line)).objectValue)
    let key =
      "\(object["checkpoint"]?.intValue ?? -1) \(object["split"]?.stringValue ?? "") \(object["id"]?.stringValue ?? "")"
    #expect(rows.updateValue(object, forKey: key) == nil)
  }
}

extension JSONObject {
  /// A number, in nested objects by a path with dots.
  func number(_ path: String) -> Double? {
    guard let point = path.firstIndex(of: ".") else { return self[path]?.doubleValue }
    return self[String(path[..<point])]?.objectValue?.number(String(path[path.index(after: point)...]))
  }
}
