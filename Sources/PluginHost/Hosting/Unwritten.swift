import CKernels

/// The initial value of plugins' outputs: a NaN of a special kind, so that unwritten numbers cannot pass for a result.
enum Unwritten {
  private static let float = Float(bitPattern: 0x7FC0_C1E5)
  static let double = Double(bitPattern: 0x7FF8_C1E5_C1E5_C1E5)

  static func isLeft(_ value: Double) -> Bool { value.bitPattern == double.bitPattern }

  /// Marks a matrix before a plugin writes it.
  static func mark(_ memory: UnsafeMutableRawBufferPointer) {
    memory.bindMemory(to: Float.self).update(repeating: float)
  }

  /// How many numbers of a matrix are still marked.
  static func count(in start: UnsafePointer<Float>, _ count: Int) -> Int {
    // If all results are finite, all were written.
    clues_all_finite(start, count) != 0 ? 0 : (0..<count).count { start[$0].bitPattern == float.bitPattern }
  }
}
