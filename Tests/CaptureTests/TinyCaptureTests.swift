import Adapters
import Bundles
import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Capture

/// A client that the Trainer wrote, against the gradients that autograd gave for the same samples.
@Suite struct TinyCaptureTests {
  /// Columns of a checkpoint as they follow from the committed gradients, in double precision.
  private struct Truth {
    var columns: [String: [String: Double]] = [:]

    init(_ client: String, step: Int) throws {
      let folder = fixture("tiny/\(client)/checkpoint-\(step)")
      func file(_ name: String) throws -> SafetensorsFile {
        try SafetensorsFile(Bytes(mapping: "\(folder)/\(name).safetensors"))
      }
      let moments = try file("expected_moments")
      let names = try file("gradients/train").names.filter { $0.contains("lora_") }.sorted()
      func vectors(_ file: SafetensorsFile) throws -> [[Double]] {
        let count = try #require(file.tensors[names[0]]?.shape[0])
        return try (0..<count).map { row in
          try names.flatMap { name -> [Double] in
            let tensor = try #require(file.tensors[name])
            let size = tensor.count / count
            return try tensor.floats(in: row * size..<(row + 1) * size).map { Double($0) }
          }
        }
      }
      func moment(_ kind: String) throws -> [Double] {
        try names.flatMap { name -> [Double] in
          try #require(moments.tensors["\(name):\(kind)"]).floats().map { Double($0) }
        }
      }
      let (m, v) = (try moment("exp_avg"), try moment("exp_avg_sq"))
      let targets = try ["c0", "c1"].map { domain in
        let all = try vectors(try file("gradients/validation.\(domain)"))
        return (domain, all[0].indices.map { place in all.reduce(0) { $0 + $1[place] } / Double(all.count) })
      }
      func norm(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      for split in ["train", "anchor"] {
        let gradients = try file("gradients/\(split)")
        let (losses, tokens) = (try gradients.tensors["loss"]?.floats(), try gradients.tensors["tokens"]?.integers())
        for (row, g) in try vectors(gradients).enumerated() {
          let scale = zip(v, g).map { 1 / (0.999 * $0 + 0.001 * $1 * $1 + 1e-8).squareRoot() }
          let adam = zip(g, scale).map { $0 * $1 }
          let reference = zip(zip(m, g), scale).map { (0.9 * $0.0 + 0.1 * $0.1) * $1 }
          var columns = [
            "loss": Double(try #require(losses?[row])), "tokens": Double(try #require(tokens?[row])),
            "gradient_norm": norm(g), "adam_norm": norm(adam), "reference_norm": norm(reference),
          ]
          for (domain, target) in targets {
            columns["validation_norm.\(domain)"] = norm(target)
            columns["dot.\(domain)"] = dot(g, target)
            columns["adam_dot.\(domain)"] = dot(adam, target)
            columns["reference_dot.\(domain)"] = dot(reference, target)
          }
          self.columns["\(step) \(split) \(row)"] = columns
        }
      }
    }
  }

  @Test(arguments: ["c0", "c1"])
  func theLedgerIsThatOfTheGradientsThatAutogradGave(_ name: String) throws {
    try withTemporaryFolder { root in
      let client = try TinyClient(name, in: root)
      let listener = Listener()
      let report = try Capture(client.settings, observer: listener).run()
      #expect(report.checkpoints == [4, 8] && report.unscored.isEmpty && report.resumed.isEmpty)
      #expect(report.samples == ["train": 16, "anchor": 3, "validation": 8])
      #expect(listener.done == listener.total && listener.total == 19 + 2 * (19 + 8))
      let found = try rows(try client.read("ledger.jsonl"))
      #expect(found.count == 2 * 19)
      for step in [4, 8] {
        let truth = try Truth(name, step: step).columns
        #expect(truth.count == 19)
        for column in try #require(truth.values.first).keys {
          let largest = truth.values.map { abs($0[column] ?? .nan) }.max() ?? .nan
          for (key, row) in truth {
            let value = try #require(found[key]?.number(column), "\(key) \(column)")
            #expect(abs(value - (row[column] ?? .nan)) <= 2e-5 * largest, "\(key) \(column)")
          }
        }
        let rate = found["\(step) train 0"]?.number("learning_rate")
        #expect(rate == (step == 4 ? (0.008571428571428572 + 0.0071428571428571435) / 2 : rate))
      }
      let bytes = try Bytes(mapping: fixture("capture/expected.json"))
      let expected = try #require(try bytes.withUnsafeBytes { try JSONReader().read($0) }.objectValue)
      guard name == "c0" else { return }
      for split in ["train", "anchor"] {
        for (place, value) in try #require(expected["tiny_\(split)"]?.arrayValue).enumerated() {
          let pair = try #require(value.arrayValue).compactMap(\.doubleValue)
          let row = try #require(found["4 \(split) \(place)"])
          #expect(abs((row.number("base_loss") ?? .nan) - pair[0]) <= 2e-5 * pair[0])
          #expect(abs((row.number("base_loss_without_prompt") ?? .nan) - pair[1]) <= 2e-5 * pair[1])
        }
      }
    }
  }

  @Test func theFolderIsABundleThenAndNothingElseIsLeft() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      _ = try Capture(client.settings, observer: Listener()).run()
      let bundle = try Bundle.open(client.folder.path, wanting: [.ledger, .samples])
      let table = try SampleTable(try #require(bundle.samples).bytes())
      #expect(table.samples(in: .validation, domain: "c1").map(\.id) == ["c1-0", "c1-1", "c1-2", "c1-3"])
      #expect(try Ledger(try #require(bundle.ledger).bytes()).notes.isEmpty)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: client.folder.path).sorted()
          == ["checkpoint-4", "checkpoint-8", "ledger.jsonl", "samples.jsonl"])
      let again = try failure { try Capture(client.settings, observer: Listener()).run() }
      #expect(again.kind == .cannotWrite && again.message == "the evidence exists already")
      #expect(!FileManager.default.fileExists(atPath: client.folder.path + "/.clues-capture"))
      var settings = client.settings
      settings.replaces = true
      let before = try client.read("ledger.jsonl")
      _ = try Capture(settings, observer: Listener()).run()
      #expect(try client.read("ledger.jsonl") == before)
    }
  }

  @Test(
    arguments: [
      (nil, ["c0", "c1"], "c0"), ("law", ["c0", "c1"], "law"), (nil, ["law"], "law"), (nil, ["law", "tax"], nil),
    ] as [(String?, [String], String?)])
  func `the client's own domain is what is said, else its name, else the only one`(
    said: String?, validated: [String], domain: String?
  ) throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      var settings = client.settings
      settings.domain = said
      settings.validation = validated.map { ($0, client.path("c1.validation.jsonl")) }
      if validated.count > 1 { settings.validation[1].path = client.path("c0.validation.jsonl") }
      settings.checkpoints = [8]
      _ = try Capture(settings, observer: Listener()).run()
      #expect(try Bundle.open(client.folder.path, wanting: [.ledger, .samples]).domain == domain)
    }
  }

  @Test func threadsChangeNoByte() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c1", in: root)
      var texts: Set<String> = []
      for threads in [1, 2, 5] {
        var settings = client.settings
        settings.threads = threads
        settings.replaces = true
        _ = try Capture(settings, observer: Listener()).run()
        texts.insert(try client.read("ledger.jsonl") + client.read("samples.jsonl"))
      }
      #expect(texts.count == 1)
    }
  }

  @Test func aNewBundleHoldsAdaptersAndEvidenceAndNoMoments() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      var settings = client.settings
      settings.output = root.appending(path: "deep/new").path
      settings.checkpoints = [8]
      let report = try Capture(settings, observer: Listener()).run()
      #expect(report.checkpoints == [8])
      let bundle = try Bundle.open(settings.output ?? "", wanting: Set(Part.allCases))
      #expect(bundle.checkpoints.map(\.step) == [4, 8] && bundle.checkpoints.allSatisfy { $0.optimizer == nil })
      #expect(bundle.ledger != nil && bundle.samples != nil)
      #expect(!FileManager.default.fileExists(atPath: client.folder.appending(path: "ledger.jsonl").path))
      #expect(try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "deep").path) == ["new"])
      #expect(try failure { try Capture(settings, observer: Listener()).run() }.kind == .cannotWrite)
    }
  }

  @Test func gradientFilesAreThoseOfAutograd() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      var settings = client.settings
      settings.writesGradients = true
      settings.threads = 2
      _ = try Capture(settings, observer: Listener()).run()
      for step in [4, 8] {
        for name in ["train", "anchor", "validation.c0", "validation.c1"] {
          let path = "checkpoint-\(step)/gradients/\(name).safetensors"
          let found = try SafetensorsFile(Bytes(mapping: client.folder.appending(path: path).path))
          let due = try SafetensorsFile(Bytes(mapping: fixture("tiny/c0/\(path)")))
          #expect(Set(found.names) == Set(due.names))
          for (tensor, truth) in due.tensors where tensor != "tokens" {
            let values = try #require(found.tensors[tensor])
            #expect(values.shape == truth.shape)
            let largest = try truth.floats().map(abs).max() ?? 0
            #expect(zip(try values.floats(), try truth.floats()).allSatisfy { abs($0 - $1) <= 2e-5 * largest })
          }
          #expect(try found.tensors["tokens"]?.integers() == due.tensors["tokens"]?.integers())
        }
      }
    }
  }
}
