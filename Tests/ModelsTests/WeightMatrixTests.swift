import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import Models

@Suite struct WeightMatrixTests {
  /// `bytes` at an odd address.
  func displaced(_ bytes: [UInt8], by offset: Int) -> Bytes {
    Bytes([UInt8](repeating: 0xFF, count: offset) + bytes)[offset..<offset + bytes.count]
  }

  @Test(arguments: WeightFormat.allCases.filter { $0.blockLength > 1 })
  func widensBlocksAsGGMLDoes(_ format: WeightFormat) throws {
    let tensors = try SafetensorsFile(Bytes(mapping: fixture("gguf/blocks.safetensors"))).tensors
    let blocks = try #require(tensors["\(format.rawValue).blocks"]).bytes.withUnsafeBytes { Array($0) }
    let want = try #require(tensors["\(format.rawValue).values"]).floats()
    for offset in 0..<5 {
      let stored = StoredTensor(format: format, shape: [3, 512], bytes: displaced(blocks, by: offset), file: "")
      let matrix = WeightMatrix(stored)
      #expect(matrix.needsScratch)
      #expect(try bits(floats(matrix)) == bits(want))
      #expect(bits(stored.floats()) == bits(want))
      #expect(try bits(floats(matrix, 1..<3)) == bits(Array(want[512...])))
    }
  }

  @Test(arguments: [DType.f32, .f16, .bf16], [0, 1, 2, 3, 4]) func widensFloatsWhereverTheyLie(
    _ dtype: DType, _ offset: Int
  )
    throws
  {
    let values = (0..<35).map { Float($0) * 0.37 - 3 }
    let tensor = Tensor(values, shape: [5, 7], dtype: dtype)
    let bytes = displaced(tensor.bytes.withUnsafeBytes { Array($0) }, by: offset)
    let matrix = WeightMatrix(Tensor(dtype: dtype, shape: [5, 7], bytes: bytes))
    #expect(matrix.needsScratch == (dtype != .f32 || offset % 4 != 0))
    let want = try tensor.floats()
    for first in 0..<5 {
      for last in first...5 {
        #expect(try bits(floats(matrix, first..<last)) == bits(Array(want[first * 7..<last * 7])))
      }
    }
    #expect(matrix.isFinite())
  }

  @Test func putsPairedRowsWhereTheyBelong() throws {
    let values = (0..<24).map(Float.init)
    let stored = StoredTensor(format: .f32, shape: [12, 2], bytes: Tensor(values, shape: [12, 2]).bytes, file: "")
    let matrix = WeightMatrix(stored, order: .pairedWithinHeads(of: 6))
    #expect(matrix.needsScratch)
    let order = [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]
    let want = order.flatMap { [Float(2 * $0), Float(2 * $0 + 1)] }
    #expect(try floats(matrix) == want)
    #expect(try floats(matrix, 2..<9) == Array(want[4..<18]))
  }

  @Test func knowsTheSizesOfBlocks() {
    #expect(WeightFormat.q4k.byteCount(of: [2, 512]) == 576)
    #expect(WeightFormat.q80.byteCount(of: [3, 64]) == 204)
    #expect(WeightFormat.q80.byteCount(of: [3, 65]) == nil)
    #expect(WeightFormat.f32.byteCount(of: [1 << 40, 1 << 40]) == nil)
    #expect(WeightFormat.f16.byteCount(of: [Int.max]) == nil)
    #expect(WeightFormat.f16.byteCount(of: []) == nil)
  }
}
