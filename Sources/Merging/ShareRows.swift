import CKernels
import Diagnostics
import LowRank
import PluginHost

/// The rows of one client's matrix in a module: those of a factor, or of ΔW, which are formed when they are needed.
struct ShareRows: Sendable {
  private let share: ModuleInput
  private let part: MergeUnit.Part
  private let former: RowFormer?
  let rows: Int
  let columns: Int

  /// - parameter part: For the whole, ΔW, A is in memory and B is read row by row.
  init(_ share: ModuleInput, _ part: MergeUnit.Part) throws {
    self.share = share
    self.part = part
    rows = part == .a ? share.rank : share.outputs
    columns = part == .b ? share.rank : share.inputs
    former =
      part == .whole && !share.isAbsent
      ? RowFormer(Array(repeating: share.scaling, count: share.rank), a: try share.factor(.a)) : nil
  }

  /// Writes some rows into `target`, which has room for them.
  ///
  /// - throws: ``Failure`` `badData` that names the client if an entry of ΔW is beyond float32.
  func read(_ lines: Range<Int>, into target: UnsafeMutablePointer<Float>) throws {
    guard !share.isAbsent else { return target.update(repeating: 0, count: lines.count * columns) }
    guard let former else { return try share.read(lines, of: part, into: target) }
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, lines.count * share.rank)) { room in
      guard let b = room.baseAddress else { return }
      try share.read(lines, of: .b, into: b)
      former.form(lines.count, of: b, into: target)
    }
    guard clues_all_finite(target, lines.count * columns) != 0 else { throw share.beyondFloat32 }
  }
}
