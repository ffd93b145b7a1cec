import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Capture

/// Inputs that cannot be captured, each with its place.
@Suite struct CaptureRefusalTests {
  /// What a capture of the tiny client fails with after a change.
  private func refusal(_ change: (TinyClient, inout CaptureSettings) throws -> Void) throws -> Failure {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      var settings = client.settings
      try change(client, &settings)
      let refused = try failure { try Capture(settings, observer: Listener()).run() }
      #expect(
        !FileManager.default.fileExists(atPath: client.folder.appending(path: "ledger.jsonl").path)
          || refused.kind == .cannotWrite)
      return refused
    }
  }

  private let sample = #"{"input_ids": [1, 5, 6], "labels": [-100, 5, 6]}"# + "\n"

  @Test func tokensThatTheModelDoesNotHave() throws {
    let failure = try refusal { client, _ in
      try client.text(sample + #"{"input_ids": [1, 96], "labels": [-100, 96]}"#, to: "c0.train.jsonl")
    }
    #expect(failure.message.contains("the token id 96, but the model has only 96") && failure.position?.line == 2)
    #expect(failure.file?.hasSuffix("c0.train.jsonl") == true)
  }

  @Test func textWithoutATokenizer() throws {
    let failure = try refusal { client, _ in try client.text(#"{"text": "a"}"#, to: "c0.train.jsonl") }
    #expect(failure.kind == .missingInput && failure.message.contains("has no tokenizer"))
  }

  @Test func charactersThatTheTokenizerDoesNotHave() throws {
    let refused = try withTemporaryFolder { root in
      let base = root.path + "/base"
      try FileManager.default.copyItem(atPath: fixture("capture/base"), toPath: base)
      // The character that stands for the byte 0xF0, with which emoji begin.
      let file = base + "/tokenizer.json"
      let text = try String(contentsOfFile: file, encoding: .utf8)
      let without = text.replacing(#""ð":"#, with: #""ððð":"#)
      #expect(without != text)
      try without.write(toFile: file, atomically: true, encoding: .utf8)
      let samples = root.path + "/train.jsonl"
      try (#"{"text": "é"}"# + "\n" + #"{"text": "a 😀"}"# + "\n").write(
        toFile: samples, atomically: true, encoding: .utf8)
      var settings = CaptureSettings(
        client: fixture("capture/client"), base: base, train: [samples], anchor: nil, validation: [])
      settings.output = root.path + "/out"
      return try failure { try Capture(settings, observer: Listener()).run() }
    }
    #expect(refused.message == "the text has the byte 0xF0, for which the tokenizer has no token")
    #expect(refused.kind == .badData && refused.file?.hasSuffix("train.jsonl") == true && refused.position?.line == 2)
  }

  @Test func aValidationSampleWithoutAnAnswer() throws {
    let failure = try refusal { client, _ in
      try client.text(sample + #"{"input_ids": [1, 5], "labels": [-100, -100]}"#, to: "c1.validation.jsonl")
    }
    #expect(failure.message.contains("validation sample that cannot be measured: it has no answer"))
    #expect(failure.file?.hasSuffix("c1.validation.jsonl") == true && failure.position?.line == 2)
  }

  @Test func aBaseModelWithADamagedWeight() throws {
    let tensor = "model.layers.1.mlp.down_proj.weight"
    let failure = try refusal { client, settings in
      let folder = URL(filePath: client.path("damaged"))
      try FileManager.default.copyItem(atPath: fixture("tiny/base"), toPath: folder.path)
      let file = folder.appending(path: "model.safetensors")
      var data = try Data(contentsOf: file)
      let header = try SafetensorsFile(Bytes(data)).header
      let entry = try #require(header.entries.first { $0.name == tensor })
      #expect(entry.dtype == .f32)
      withUnsafeBytes(of: Float.nan) { data.replaceSubrange(entry.range.prefix(4), with: $0) }
      try data.write(to: file)
      settings.base = folder.path
    }
    #expect(failure.kind == .badData && failure.tensor == tensor)
    #expect(failure.message.contains("weights that are not finite"))
  }

  @Test func aFileInWhichNothingIsLearned() throws {
    let failure = try refusal { client, _ in
      try client.text(#"{"input_ids": [5, 6], "labels": [5, -100]}"#, to: "c0.train.jsonl")
    }
    #expect(failure.message.contains("no sample that can be measured: it has no answer"))
  }

  @Test func oneIdInTwoFilesOfASplit() throws {
    let failure = try refusal { client, _ in
      let named = #"{"id": "x", "input_ids": [1, 5, 6], "labels": [-100, 5, 6]}"#
      for domain in ["c0", "c1"] { try client.text(named, to: "\(domain).validation.jsonl") }
    }
    #expect(failure.message.contains("has the same id 'x' as the validation sample in") && failure.position?.line == 1)
  }

  @Test func aBaseThatDoesNotFitTheAdapter() throws {
    let failure = try refusal { _, settings in settings.base = fixture("capture/base") }
    #expect(failure.tensor?.contains("layers.0.self_attn") == true, "\(failure)")
    #expect(failure.message.contains("[32, 32]") && failure.message.contains("[16, 16]"), "\(failure)")
  }

  @Test func lossesThatAreNoNumbers() throws {
    let failure = try refusal { client, _ in
      let place = client.folder.appending(path: "checkpoint-4/adapter_model.safetensors")
      let tensors = try SafetensorsFile(Bytes(mapping: place.path)).tensors.mapValues { tensor in
        Tensor([Float](repeating: 1e30, count: tensor.count), shape: tensor.shape)
      }
      try Data(safetensors(tensors)).write(to: place)
    }
    #expect(failure.message.contains("validation sample that cannot be measured at step 4: its loss is"), "\(failure)")
    #expect(failure.file?.hasSuffix("c0.validation.jsonl") == true && failure.position?.line == 1)
  }

  @Test func aCheckpointThatIsNotThere() throws {
    let failure = try refusal { _, settings in settings.checkpoints = [4, 5] }
    #expect(failure.kind == .usage && failure.message.contains("no checkpoint of step 5"))
    #expect(failure.advice == "it holds the steps 4, 8")
  }

  @Test func lengthsBeyondTheModel() throws {
    let failure = try refusal { _, settings in settings.maximumLength = 65 }
    #expect(failure.kind == .usage && failure.message.contains("the model takes at most 64 tokens"))
  }

  @Test func aSampleLongerThanTheModelStaysUnscored() throws {
    try withTemporaryFolder { root in
      let client = try TinyClient("c0", in: root)
      let ids = (0..<65).map { _ in "5" }.joined(separator: ", ")
      try client.text(sample + #"{"input_ids": [\#(ids)], "labels": [\#(ids)]}"#, to: "c0.train.jsonl")
      let report = try Capture(client.settings, observer: Listener()).run()
      #expect(report.unscored.map(\.reason) == ["it has 65 tokens, but the model takes at most 64"])
      #expect(report.unscored.map(\.line) == [2])
    }
  }

  @Test func placesWhereNothingMayBeWritten() throws {
    for name in ["ledger.jsonl", "samples.jsonl"] {
      let there = try refusal { client, _ in try Data().write(to: client.folder.appending(path: name)) }
      #expect(there.kind == .cannotWrite && there.file?.hasSuffix(name) == true)
    }
    let lone = try refusal { client, settings in settings.client = client.folder.appending(path: "checkpoint-4").path }
    #expect(lone.kind == .usage && lone.advice?.contains("--checkpoint N") == true)
    let archive = try refusal { client, settings in settings.output = client.path("x.tar.gz") }
    #expect(archive.kind == .usage && archive.advice?.contains("clues pack") == true)
    let empty = try refusal { client, settings in
      settings.client = client.path("nothing")
      try FileManager.default.createDirectory(atPath: settings.client, withIntermediateDirectories: true)
    }
    #expect(empty.kind == .badData)
  }

  @Test func aTrainerStateOfAnotherStep() throws {
    let failure = try refusal { client, _ in
      let files = FileManager.default
      let place = client.folder.appending(path: "checkpoint-4/trainer_state.json").path
      try files.removeItem(atPath: place)
      try files.copyItem(atPath: fixture("tiny/c0/checkpoint-8/trainer_state.json"), toPath: place)
    }
    #expect(failure.message.contains("is from step 8"))
  }

  @Test func momentsOfAnotherAdapter() throws {
    let failure = try refusal { client, _ in
      let place = client.folder.appending(path: "checkpoint-4/optimizer.pt").path
      var bytes = try Data(contentsOf: URL(filePath: place))
      bytes[bytes.count / 2] ^= 0xFF
      try bytes.write(to: URL(filePath: place))
    }
    #expect(failure.kind == .badData && failure.file?.hasSuffix("checkpoint-4/optimizer.pt") == true)
  }
}
