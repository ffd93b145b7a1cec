import Capture
import Diagnostics
import Foundation
import JSON
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Training

/// Hears what a training says.
final class Listener: Observer {
  private let heard = Mutex<(notes: [String], total: Int, done: Int, figures: [StageFigure])>(([], 0, 0, []))

  var notes: [String] { heard.withLock { $0.notes } }
  var total: Int { heard.withLock { $0.total } }
  var done: Int { heard.withLock { $0.done } }
  var figures: [StageFigure] { heard.withLock { $0.figures } }

  func begin(_ stage: RunStage, total: Int?) {
    if stage == .training { heard.withLock { $0.total = total ?? 0 } }
  }
  func advance(_ stage: RunStage, by amount: Int) {
    if stage == .training { heard.withLock { $0.done += amount } }
  }
  func end(_ stage: RunStage) {}
  func show(_ figures: [StageFigure]) { heard.withLock { $0.figures = figures } }
  func note(_ note: Note) { heard.withLock { $0.notes.append(note.text) } }
}

/// Ten steps of the llama of the fixture into a folder, as `make.py` has the Trainer take them.
func llama(in folder: URL, _ name: String = "out") -> TrainingSettings {
  var settings = TrainingSettings(
    data: CaptureSettings(
      client: folder.appending(path: name).path, base: fixture("training/llama/base"),
      train: [fixture("training/data.jsonl")], anchor: nil, validation: []))
  settings.initial = fixture("training/llama/start")
  (settings.length, settings.saveSteps) = (.steps(10), 10)
  (settings.batch, settings.accumulation, settings.order) = (2, 2, .sequential)
  (settings.learningRate, settings.schedule, settings.warmup) = (3e-3, .cosine, 3)
  (settings.weightDecay, settings.clip) = (0.05, 0.4)
  return settings
}

/// The same of the qwen2.
func qwen2(in folder: URL) -> TrainingSettings {
  var settings = llama(in: folder)
  settings.data.base = fixture("training/qwen2/base")
  settings.initial = fixture("training/qwen2/start")
  (settings.learningRate, settings.schedule, settings.warmup) = (1e-2, .linear, 0)
  (settings.weightDecay, settings.clip) = (0, 100)
  return settings
}

/// All files below a folder, with their bytes.
func tree(_ folder: String) throws -> [String: Data] {
  let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
  return try names.reduce(into: [:]) { tree, name in
    var isFolder: ObjCBool = false
    let path = "\(folder)/\(name)"
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
      tree[name] = try Data(contentsOf: URL(filePath: path))
    }
  }
}

func read(_ path: String) throws -> JSONValue {
  try Bytes(mapping: path).withUnsafeBytes { try JSONReader().read($0) }
}

extension JSONValue {
  subscript(key: String) -> JSONValue? { objectValue?[key] }
  var numbers: [Double] { arrayValue?.compactMap(\.doubleValue) ?? [] }
  var floats: [Float] { numbers.map { Float($0) } }
}

/// How far vectors are apart, by the length of the second.
func distance(_ a: [Float], _ b: [Float]) -> Double {
  guard a.count == b.count else { return .infinity }
  let (difference, length) = zip(a, b).reduce((0.0, 0.0)) { sums, pair in
    let d = Double(pair.0) - Double(pair.1)
    return (sums.0 + d * d, sums.1 + Double(pair.1) * Double(pair.1))
  }
  return (difference / max(length, 1e-60)).squareRoot()
}
