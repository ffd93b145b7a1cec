import Adapters
import Bundles
import Datasets
import Diagnostics
import Foundation
import JSON
import Models
import PluginHost
import Recipes
import Tensors
import Tokenizers

/// A reader that is fed with what libFuzzer makes up. It reads or it throws a ``Failure``; all else is a find.
enum FuzzTarget: String, CaseIterable {
  case adapter
  case bundle
  case gguf
  case json
  case ledger
  case model = "model-config"
  case optimizer
  case pattern
  case pickle
  case plugin
  case manifest
  case recipe
  case safetensors
  case samples
  case tokenizer
  case tokenizerModel = "tokenizer-model"
  case trainer = "trainer-state"
  case worker

  /// The target that this process is for.
  static let chosen: FuzzTarget = {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
      fatalError("FUZZ_TARGET must be one of " + allCases.map(\.rawValue).joined(separator: ", "))
    }
    return target
  }()

  /// Small, since memory that grows beyond them is a find, and no bomb needs more to show itself.
  static let limits: Limits = {
    var limits = Limits()
    limits[.totalSize] = 8 << 20
    limits[.ratioFloor] = 4 << 20
    limits[.memory] = 1 << 20
    limits[.patternSteps] = 10_000_000
    limits[.ledgerValues] = 1_000_000
    return limits
  }()

  func read(_ input: UnsafeRawBufferPointer) {
    do {
      try readThrowing(input)
    } catch is Failure {
    } catch {
      fatalError("an error that is no Failure: \(error)")
    }
  }

  private func readThrowing(_ input: UnsafeRawBufferPointer) throws {
    let limits = Self.limits
    switch self {
    case .adapter:
      // The config up to the first null byte, the weights behind it.
      let end = input.firstIndex(of: 0) ?? input.count
      let adapter = try Adapter(
        config: Bytes(input[..<end]), configFile: "c", weights: Bytes(input[min(end + 1, input.count)...]),
        weightsFile: "w", limits: limits)
      for module in adapter.modules.values { _ = try module.a.floats() + module.b.floats() }
    case .bundle: try readBundle(input)
    case .gguf: try readModel(GGUFFile(Bytes(input), limits: limits))
    case .json:
      var reader = JSONReader(limits)
      reader.takesNonFiniteNumbers = input.first.map { $0 % 2 == 0 } ?? false
      let value = try reader.read(input)
      guard !reader.takesNonFiniteNumbers else { return }
      let text = value.text(indented: true)
      guard try reader.read(text) == value else { fatalError("what was written reads back differently") }
    case .ledger: _ = try Ledger(Bytes(input), limits: limits)
    case .model: _ = try HuggingFaceConfig(Bytes(input), limits: limits)
    case .optimizer: try readState(Bytes(input))
    case .plugin:
      let file = Bytes(input)
      _ = try? exportedSymbols(of: file)
      try readManifest(file)
    case .manifest: try readManifest(Bytes(library(around: input)))
    case .worker: try readAnswer(input)
    case .pickle: try readState(Bytes(torchFile(around: input)))
    case .pattern:
      guard let text = String(validating: input, as: UTF8.self) else { return }
      let pattern = try ModulePattern(text)
      for module in ["model.layers.10.self_attn.q_proj", "a", "", "a.b\nc"] { _ = pattern.matches(module) }
    case .recipe:
      guard let text = String(validating: input, as: UTF8.self) else { return }
      let recipe = try Recipe.parse(text, file: "r.yaml")
      _ = recipe.explanation()
      let again = try Recipe.parse(recipe.text, file: "r.yaml")
      guard again.text == recipe.text else { fatalError("what was written reads back differently") }
    case .safetensors:
      let file = try SafetensorsFile(Bytes(input), limits: limits)
      for tensor in file.tensors.values where tensor.dtype.isAdapterFloat { _ = try tensor.floats() }
      let stream = try SafetensorsStream(Bytes(input), name: "x", limits: limits)
      guard stream.header.entries.count == file.tensors.count else { fatalError("the two readers disagree") }
    case .samples: try readSamples(input)
    case .tokenizer:
      // The file up to the first null byte, a text behind it.
      let end = input.firstIndex(of: 0) ?? input.count
      let tokenizer = try Tokenizer(json: Bytes(input[..<end]), path: "tokenizer.json", limits: limits)
      use(tokenizer, on: String(decoding: input[min(end + 1, input.count)...], as: UTF8.self))
    case .tokenizerModel: use(try Tokenizer(model: Bytes(input), path: "tokenizer.model", limits: limits), on: "")
    case .trainer:
      let state = try TrainerState(Bytes(input), limits: limits)
      _ = LearningRate(log: state)
    }
  }

  /// What is read of a library that nobody trusts yet.
  private func readManifest(_ file: Bytes) throws {
    let manifest = try PluginManifest.read(from: file)
    let library = try PluginLibraryFile(described: manifest, path: "p.so")
    let again = try PluginLibraryFile(described: library.manifest.objectValue ?? [:], path: "p.so")
    guard again.manifest == library.manifest else { fatalError("a manifest reads back differently") }
  }

  /// A message of a worker, or what it answers; the first byte says which.
  private func readAnswer(_ input: UnsafeRawBufferPointer) throws {
    guard let kind = input.first else { return }
    // A copy, as the host makes one: it lies at the start of a page's part.
    let copy = Array(input.dropFirst())
    try copy.withUnsafeBytes { bytes in
      if kind % 2 == 0 {
        _ = Message(bytes).map { $0.text.count }
      } else {
        _ = try AnswerTexts.unpack(bytes)
      }
    }
  }

  private func readModel(_ file: GGUFFile) throws {
    let model = try LanguageModel(file, path: "m.gguf")
    _ = try? model.checkThatMatricesAreFinite()
    for matrix in [model.embeddings, model.head] + model.layers.map(\.query.weight) {
      // Every row once, each by itself.
      let row = UnsafeMutablePointer<Float>.allocate(capacity: matrix.columnCount)
      defer { row.deallocate() }
      for place in 0..<matrix.rowCount { try matrix.withFloats(place..<place + 1, scratch: row) { _ = $0[0] } }
    }
  }

  /// What a tokenizer makes of a text, and of some that have everything in them.
  private func use(_ tokenizer: Tokenizer, on text: String) {
    for text in [text, " \u{2581}é e\u{301} 😀\r\n\t<0x0A>", "<s>a</s> Hello 12345 <|endoftext|>"] {
      for specials in [Specials.asText, .parsed] {
        // A character that it lacks is an error, and no find.
        guard let tokens = try? tokenizer.encodeWithPostProcessor(text, specials: specials) else { continue }
        for token in tokens {
          guard token.id >= 0, token.id < tokenizer.vocabularySize else { fatalError("a token that no vocabulary has") }
          guard token.range.upperBound <= text.utf8.count else { fatalError("a token beyond the end of the text") }
        }
        _ = tokenizer.decode(tokens.map(\.id))
      }
    }
  }

  /// Files of samples; the first byte says in which template they are written, the second how many tokens are kept.
  private func readSamples(_ input: UnsafeRawBufferPointer) throws {
    guard input.count > 2 else { return }
    let dataset = try Dataset(Bytes(input[2...]), path: "samples.jsonl", limits: Self.limits)
    let templates = Template.allCases
    let template = try Template.choose(templates[Int(input[0]) % templates.count], for: dataset, chatTemplate: nil)
    let tokenizer = Tokenizer.ofBytes
    let encoder = SampleEncoder(
      tokenizer: tokenizer, template: template, vocabulary: tokenizer.vocabularySize,
      maximumLength: input[1] == 0 ? nil : Int(input[1]))
    for record in dataset.records {
      let sample = try encoder.encode(record)
      guard sample.tokens.count == sample.parts.count, sample.tokens.count <= sample.fullLength else {
        fatalError("a sample has other tokens than parts")
      }
      guard let bare = sample.withoutPrompt(beginOfText: tokenizer.beginOfText) else { continue }
      guard bare.parts.count(where: { $0 == .answer }) == sample.parts.count(where: { $0 == .answer }) else {
        fatalError("an answer loses tokens with its prompt")
      }
    }
    if let record = dataset.records.first {
      _ = SampleListing(try encoder.encode(record), tokenizer: tokenizer).text(
        name: "s", learned: .answer, measured: .all)
    }
  }

  private func readState(_ file: Bytes) throws {
    let state = try OptimizerState(file, limits: Self.limits)
    _ = try state.moments(for: [
      ("base_model.model.q_proj.lora_A.weight", [2, 3]), ("base_model.model.q_proj.lora_B.weight", [3, 2]),
    ])
  }

  private func readBundle(_ input: UnsafeRawBufferPointer) throws {
    let file = withRightChecksums(tar: input)
    let path = "/dev/shm/clues-fuzz-\(getpid())"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { fatalError("no file can be made in /dev/shm") }
    defer { unlink(path) }
    guard write(descriptor, file, file.count) == file.count else { fatalError("/dev/shm is full") }
    close(descriptor)
    let bundle = try Bundle.open(path, wanting: Set(Part.allCases), limits: Self.limits)
    for file in bundle.files where file.isRead {
      guard try file.bytes().count == file.size else { fatalError("a file has another size than it says") }
    }
    _ = try bundle.digest()
  }

  private typealias Bundle = Bundles.Bundle
}
