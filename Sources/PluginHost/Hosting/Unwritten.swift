import CKernels
import Diagnostics

/// The initial value of plugins' outputs: a NaN of a special kind, so that unwritten numbers cannot pass for a result.
enum Unwritten {
  private static let float = Float(bitPattern: 0x7FC0_C1E5)
  static let double = Double(bitPattern: 0x7FF8_C1E5_C1E5_C1E5)

  static func isLeft(_ value: Double) -> Bool { value.bitPattern == double.bitPattern }

  /// Lets `body`, a call of a plugin, write `count` numbers from `start` on.
  ///
  /// - throws: ``Failure`` `pluginFailed` if one of them is unchanged.
  static func check(
    _ start: UnsafeMutablePointer<Float>, count: Int, of plugin: String, tensor: String, after body: () throws -> Void
  ) throws {
    start.update(repeating: float, count: count)
    try body()
    // If all results are finite, all were written.
    guard clues_all_finite(start, count) == 0 else { return }
    let left = (0..<count).count { start[$0].bitPattern == float.bitPattern }
    guard left > 0 else { return }
    throw Failure(
      .pluginFailed, "plugin '\(plugin)' has left \(left) of \(count) numbers of its output unwritten",
      advice: HostTable.silence, tensor: tensor)
  }
}
