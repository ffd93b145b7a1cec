import Diagnostics
import Tensors
import TestSupport
import Testing

@Suite struct TensorTests {
  @Test func float64IsRounded() throws {
    let values = [0.1, -1e300, 1e-300, 1 + 1e-9, .nan, .infinity, 3.0000001788139343]
    let tensor = values.withUnsafeBytes { Tensor(dtype: .f64, shape: [values.count], bytes: Bytes($0)) }
    let floats = try tensor.floats()
    for (float, value) in zip(floats, values) {
      #expect(float.isNaN ? value.isNaN : float == Float(value))
    }
  }

  @Test func narrowingLosesWhatFloat32LacksRoomFor() {
    func error(_ values: [Double]) -> Double {
      values.withUnsafeBytes { Tensor(dtype: .f64, shape: [values.count], bytes: Bytes($0)) }.narrowingError()
    }
    #expect(error([0.1, -3.7e38 / 2, 1.0 / 3]) < 0x1p-24)
    #expect(error([1, 1e-60]) < 0x1p-24)
    #expect(error([1e-60, -1e-200]) == 1)
    #expect(error([1e-42, 1.7e-42]) > 1e-4)
    #expect(error([1, 1e39]) == .infinity)
    #expect(error([0, 0]) == 0 && error([]) == 0 && error([.nan, 1e300]) == 0)
    #expect(Tensor([.leastNonzeroMagnitude], shape: [1]).narrowingError() == 0)
  }

  @Test func encodingAndReadingAgree() throws {
    let values: [Float] = [0, -0.0, 1, -2.5, 0.15625, 1024]
    for dtype in [DType.f64, .f32, .f16, .bf16] {
      let tensor = Tensor(values, shape: [2, 3], dtype: dtype)
      #expect(tensor.count == 6)
      #expect(try tensor.floats().map(\.bitPattern) == values.map(\.bitPattern))
      #expect(try tensor.floats(in: 2..<4) == [1, -2.5])
      #expect(try tensor.floats(in: 3..<3).isEmpty)
    }
  }

  @Test func otherTypesAreNoFloats() {
    let others = DType.allCases.filter { !$0.isAdapterFloat }
    #expect(others.count == 11)
    for dtype in others {
      let tensor = Tensor(dtype: dtype, shape: [1], bytes: Bytes([UInt8](repeating: 0, count: dtype.size)))
      let failure = #expect(throws: Failure.self) { try tensor.floats() }
      #expect(failure?.message == "holds \(dtype.torchName), a type that adapters cannot be merged in")
    }
  }

  @Test func integersKeepTheirSigns() throws {
    func read(_ dtype: DType, _ bytes: [UInt8]) throws -> [Int64] {
      try Tensor(dtype: dtype, shape: [bytes.count / dtype.size], bytes: Bytes([9] + bytes)[1..<(bytes.count + 1)])
        .integers()
    }
    #expect(try read(.i8, [0xFF, 0x7F]) == [-1, 127])
    #expect(try read(.u8, [0xFF]) == [255])
    #expect(try read(.bool, [0, 1]) == [0, 1])
    #expect(try read(.i16, [0xFE, 0xFF]) == [-2])
    #expect(try read(.u16, [0xFE, 0xFF]) == [65534])
    #expect(try read(.i32, [0, 0, 0, 0x80]) == [-2_147_483_648])
    #expect(try read(.u32, [0, 0, 0, 0x80]) == [2_147_483_648])
    #expect(try read(.i64, [1, 0, 0, 0, 0, 0, 0, 0x80]) == [.min + 1])
    expectFailure(.badData, "holds float32 instead of integers") { try read(.f32, [0, 0, 0, 0]) }
    expectFailure(.badData, "holds uint64 instead of integers") { try read(.u64, [0, 0, 0, 0, 0, 0, 0, 0]) }
  }

  @Test func findsTheOneNumberThatIsNotFinite() throws {
    for dtype in [DType.f64, .f32, .f16, .bf16] {
      for bad in [Float.nan, .infinity, -.infinity] {
        for index in [0, 17, 63, 99] {
          var values = [Float](repeating: 1, count: 100)
          #expect(try Tensor(values, shape: [100], dtype: dtype).isFinite())
          values[index] = bad
          #expect(try !Tensor(values, shape: [100], dtype: dtype).isFinite())
        }
      }
    }
    #expect(try Tensor([], shape: [0]).isFinite())
    let large = [1e300].withUnsafeBytes { Tensor(dtype: .f64, shape: [1], bytes: Bytes($0)) }
    #expect(try large.isFinite())
  }

  @Test func namesAreFoundInBothSpellings() {
    for dtype in DType.allCases {
      #expect(DType(name: dtype.torchName) == dtype)
      #expect(DType(name: dtype.rawValue) == dtype)
      #expect(DType(name: dtype.rawValue.lowercased()) == dtype)
    }
    #expect(DType(name: "float128") == nil)
  }
}
