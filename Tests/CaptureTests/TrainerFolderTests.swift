import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Capture

/// A folder as the Hugging Face Trainer wrote it, and three files of samples, against autograd's gradients of the same samples.
@Suite struct TrainerFolderTests {
  private static func settings(in root: URL) throws -> CaptureSettings {
    try FileManager.default.copyItem(atPath: fixture("trainer/notes"), toPath: root.path + "/notes")
    return CaptureSettings(
      client: root.path + "/notes", base: fixture("capture/base"), train: [fixture("trainer/train.jsonl")],
      anchor: fixture("trainer/anchor.jsonl"), validation: [("notes", fixture("trainer/validation.jsonl"))])
  }

  @Test func `gradients of every sample are those that autograd gives`() throws {
    try withTemporaryFolder { root in
      var settings = try Self.settings(in: root)
      settings.writesGradients = true
      let report = try Capture(settings, observer: Listener()).run()
      #expect(report.checkpoints == [2, 4, 6] && report.unscored.isEmpty)
      #expect(report.samples == ["train": 12, "anchor": 4, "validation": 4])
      for step in report.checkpoints {
        for (split, name) in [("train", "train"), ("anchor", "anchor"), ("validation", "validation.notes")] {
          let due = try SafetensorsFile(Bytes(mapping: fixture("trainer/expected/\(step)/\(split).safetensors")))
          let found = try SafetensorsFile(
            Bytes(mapping: "\(root.path)/notes/checkpoint-\(step)/gradients/\(name).safetensors"))
          #expect(Set(found.names) == Set(due.names).union(["loss", "tokens"]))
          let count = try #require(due.tensors.values.first?.shape.first)
          // The errors of a sample, and its gradient, over all parameters together.
          var (errors, squares) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
          for (name, tensor) in due.tensors {
            let other = try #require(found.tensors[name])
            #expect(other.shape == tensor.shape)
            let size = tensor.count / count
            for (place, (a, b)) in zip(try tensor.floats(), try other.floats()).enumerated() {
              errors[place / size] += Double(a - b) * Double(a - b)
              squares[place / size] += Double(a) * Double(a)
            }
          }
          for (error, square) in zip(errors, squares) {
            #expect(square > 0 && error.squareRoot() <= 2e-5 * square.squareRoot(), "\(step) \(split)")
          }
        }
      }
    }
  }

  @Test func `the ledger's columns follow from these gradients and the optimizer's moments`() throws {
    let bytes = try Bytes(mapping: fixture("trainer/expected.json"))
    let expected = try #require(try bytes.withUnsafeBytes { try JSONReader().read($0) }.objectValue)
    try withTemporaryFolder { root in
      _ = try Capture(try Self.settings(in: root), observer: Listener()).run()
      let found = try rows(try String(contentsOfFile: root.path + "/notes/ledger.jsonl", encoding: .utf8))
      #expect(found.count == 3 * 16)
      for (step, splits) in expected.members {
        let due = try (splits.objectValue?.members ?? []).flatMap { split, rows in
          try #require(rows.arrayValue).enumerated().map { ("\(step) \(split) \($0)", $1.objectValue) }
        }
        for column in try #require(due.first?.1).keys {
          let values = due.map { $0.1?.number(column) ?? .nan }
          let largest = values.map(abs).max() ?? .nan
          let isByDomain = column.hasSuffix("dot") || column == "validation_norm"
          for ((key, _), value) in zip(due, values) {
            let other = try #require(found[key]?.number(isByDomain ? column + ".notes" : column), "\(key) \(column)")
            #expect(abs(other - value) <= 2e-5 * largest, "\(key) \(column): \(other) and not \(value)")
          }
        }
      }
    }
  }
}
