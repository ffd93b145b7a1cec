import Diagnostics
import Foundation
import LowRank
import Tensors
import TestSupport
import Testing

@testable import Merging

/// A file that is written module by module is the file that is written at once.
@Suite struct WeightsDraftTests {
  private static let inputs = ["a", "b"].map { fixture("peft/adapters/\($0)") }

  private func draft(_ layout: WeightsLayout, _ path: String) throws -> WeightsDraft {
    let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    return try WeightsDraft(layout, in: file, path: path)
  }

  /// Header and places are those of all tensors written at once, and no number of threads changes a byte.
  @Test(arguments: ["float32", "bfloat16"], ["factors", "core", "delta"])
  func placesAreThoseOfAWholeFile(dtype: String, space: String) throws {
    let settings = [
      ("merge.method", "ties"), ("merge.space", space), ("output.dtype", dtype), ("merge.missing", "zero"),
    ]
    let streamed = try TestMerge(inputs: Self.inputs, settings: settings).result()
    let file = try SafetensorsFile(Bytes(Array(streamed.bytes)))
    #expect(streamed.bytes == Data(safetensors(file.tensors, metadata: file.metadata)))
    for threads in [1, 4] {
      #expect(try TestMerge(inputs: Self.inputs, settings: settings, threads: threads).result().bytes == streamed.bytes)
    }
  }

  @Test func whatHasNoPlaceIsLeftToTheCaller() throws {
    try withTemporaryFolder { folder in
      let layout = WeightsLayout(safetensors: [.init(name: "x", dtype: .f16, shape: [2, 3])])
      let draft = try draft(layout, folder.appending(path: "file").path)
      let matrix = try Matrix<Float>(rows: 2, columns: 3, (0..<6).map { Float($0) })
      #expect(try draft.write(matrix, shape: [2, 3], .f32, to: "x") == nil)
      #expect(try draft.write(matrix, shape: [3, 2], .f16, to: "x") == nil)
      #expect(try draft.write(matrix, shape: [2, 3], .f16, to: "y") == nil)
      #expect(!draft.isWhole)
      let written = try #require(try draft.write(matrix, shape: [2, 3], .f16, to: "x"))
      #expect(draft.isWhole)
      #expect(try written.floats() == [0, 1, 2, 3, 4, 5])
      #expect(draft.matches(written, written))
      #expect(!draft.matches(Tensor([0, 1, 2, 3, 4, 6], shape: [2, 3], dtype: .f16), written))
      #expect(!draft.matches(Tensor([0, 1, 2, 3, 4, 5], shape: [2, 3], dtype: .f32), written))
    }
  }

  @Test func numbersTooLargeAreRefused() throws {
    try withTemporaryFolder { folder in
      let layout = WeightsLayout(safetensors: [.init(name: "x", dtype: .f16, shape: [1, 1])])
      let draft = try draft(layout, folder.appending(path: "file").path)
      expectFailure(.badData, "too large for float16") {
        try draft.write(Matrix<Float>(rows: 1, columns: 1, [70_000]), shape: [1, 1], .f16, to: "x")
      }
      #expect(!draft.isWhole)
    }
  }

  /// Of many clients pairs are looked at in some modules, and norms in all.
  @Test func manyClientsAreComparedInSomeModules() throws {
    try withTemporaryFolder { folder in
      let inputs = try (0..<9).map { index in
        let path = folder.appending(path: "client-\(index)").path
        try FileManager.default.copyItem(atPath: fixture("peft/adapters/\(index % 2 == 0 ? "a" : "b")"), toPath: path)
        return path
      }
      let merge = try #require(
        TestMerge(inputs: inputs, settings: [("merge.method", "average"), ("merge.missing", "zero")]).result().record
          .merge)
      #expect(merge.comparedModules >= 1)
      #expect(merge.comparedModules < merge.modules.count)
      #expect(
        merge.modules.allSatisfy { $0.inputNorms.count == $0.clients.count && $0.inputNorms.allSatisfy { $0 > 0 } })
      for i in 0..<9 {
        for j in 0..<9 where (i - j) % 2 == 0 { #expect(abs((merge.cosines[i * 9 + j] ?? 0) - 1) < 1e-5) }
      }
    }
  }
}
