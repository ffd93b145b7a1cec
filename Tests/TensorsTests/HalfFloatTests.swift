import Foundation
import Tensors
import Testing

/// A 16-bit float by its textbook definition, worked out in float64: the oracle.
struct HalfFormat: Sendable, CustomTestStringConvertible {
  let dtype: DType
  let exponentBits: Int
  let fractionBits: Int

  static let all = [
    HalfFormat(dtype: .f16, exponentBits: 5, fractionBits: 10),
    HalfFormat(dtype: .bf16, exponentBits: 8, fractionBits: 7),
  ]

  var testDescription: String { dtype.torchName }
  private var bias: Int { 1 << (exponentBits - 1) - 1 }
  var largest: Double { value(of: UInt16((1 << exponentBits - 1) << fractionBits - 1)) }

  func value(of pattern: UInt16) -> Double {
    let sign = pattern >> 15 == 0 ? 1.0 : -1.0
    let exponent = Int(pattern >> UInt16(fractionBits)) & (1 << exponentBits - 1)
    let fraction = Int(pattern) & (1 << fractionBits - 1)
    let share = Double(fraction) / Double(1 << fractionBits)
    switch exponent {
    case 0: return sign * share * pow(2, Double(1 - bias))
    case 1 << exponentBits - 1: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * (1 + share) * pow(2, Double(exponent - bias))
    }
  }

  /// The nearest value of this format, ties to the even fraction.
  func rounded(_ value: Double) -> Double {
    guard value.isFinite, value != 0 else { return value }
    let step = pow(2, Double(max(Int(value.exponent), 1 - bias) - fractionBits))
    let result = (value / step).rounded(.toNearestOrEven) * step
    return abs(result) > largest ? (value.sign == .minus ? -.infinity : .infinity) : result
  }
}

@Suite struct HalfFloatTests {
  func isSame(_ a: Double, _ b: Double) -> Bool { a.isNaN ? b.isNaN : a == b && a.sign == b.sign }

  func patterns(_ values: [Float], _ dtype: DType) -> [UInt16] {
    encode(values, as: dtype).withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
  }

  @Test(arguments: HalfFormat.all) func readsAllPatterns(_ format: HalfFormat) throws {
    let all = [UInt16](0...65535)
    let bytes = all.withUnsafeBytes { Bytes($0) }
    let floats = try Tensor(dtype: format.dtype, shape: [65536], bytes: bytes).floats()
    let wrong = all.filter { !isSame(Double(floats[Int($0)]), format.value(of: $0)) }
    #expect(wrong.isEmpty)
  }

  @Test(arguments: HalfFormat.all) func allPatternsComeBack(_ format: HalfFormat) throws {
    let all = [UInt16](0...65535)
    let floats = try Tensor(dtype: format.dtype, shape: [65536], bytes: all.withUnsafeBytes { Bytes($0) }).floats()
    let back = patterns(floats, format.dtype)
    let wrong = all.filter { format.value(of: $0).isNaN ? !format.value(of: back[Int($0)]).isNaN : back[Int($0)] != $0 }
    #expect(wrong.isEmpty)
  }

  @Test(arguments: HalfFormat.all) func roundsToNearestTiesToEven(_ format: HalfFormat) {
    var values: [Float] = []
    for pattern in UInt16(0)..<0x7FFF {
      let (low, high) = (format.value(of: pattern), format.value(of: pattern + 1))
      guard low.isFinite else { break }
      // The tie above the largest value is that with the number which would come next.
      let tie = Float(high.isFinite ? (low + high) / 2 : low + (low - format.value(of: pattern - 1)) / 2)
      for value in [Float(low), tie, tie.nextUp, tie.nextDown] { values += [value, -value] }
    }
    var state: UInt32 = 1
    for _ in 0..<100_000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      let value = Float(bitPattern: state)
      if !value.isNaN { values.append(value) }
    }
    values += [.infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -.leastNonzeroMagnitude]
    let results = patterns(values, format.dtype)
    let wrong = zip(values, results).filter { !isSame(format.value(of: $1), format.rounded(Double($0))) }
    #expect(values.count > 200_000)
    #expect(wrong.isEmpty)
  }

  @Test(arguments: HalfFormat.all) func staysNaN(_ format: HalfFormat) {
    let patterns: [UInt32] = [0x7F80_0001, 0xFF80_0001, 0x7FC0_0000, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7F80_FFFF]
    let results = self.patterns(patterns.map { Float(bitPattern: $0) }, format.dtype)
    #expect(results.allSatisfy { format.value(of: $0).isNaN })
  }

  @Test(arguments: HalfFormat.all, 0...70) func anyLengthAndPlaceGivesTheSame(_ format: HalfFormat, _ count: Int) throws
  {
    let source = (0..<(count + 3)).map { UInt16(truncatingIfNeeded: $0 &* 2557) }
    var bytes: [UInt8] = [0]
    source.withUnsafeBytes { bytes.append(contentsOf: $0) }
    // One byte off: no vector load may assume alignment.
    let tensor = Tensor(dtype: format.dtype, shape: [source.count], bytes: Bytes(bytes)[1..<bytes.count])
    let floats = try tensor.floats(in: 3..<(count + 3))
    #expect(floats.count == count)
    let wrong = floats.indices.filter { !isSame(Double(floats[$0]), format.value(of: source[$0 + 3])) }
    #expect(wrong.isEmpty)
  }
}
