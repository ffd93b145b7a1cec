import CKernels
import PluginKit

/// A merge method that treats every entry by itself, and so needs no notes about a matrix.
protocol EntrywiseMergeMethod: RowwiseMergeMethod where Note == NoNote {}

struct NoNote: BitwiseCopyable {}

extension EntrywiseMergeMethod {
  static var readsRows: Bool { true }
  func note(_ input: MergeInput, in unit: MergeUnit) -> NoNote { NoNote() }
}

/// The clients' matrices as columns of values, one for each entry, sorted tile by tile.
struct SortedColumns {
  /// Those with a weight.
  let inputs: [MergeInput]
  let weights: [Double]
  private let host: Host

  init(_ unit: MergeUnit) throws {
    for input in unit.inputs where input.weight < 0 {
      throw PluginError(
        "client '\(input.client)' has weight \(input.weight), but weights cannot be negative here")
    }
    inputs = unit.inputs.filter { $0.weight > 0 }
    weights = inputs.map(\.weight)
    host = unit.host
    guard !inputs.isEmpty else { throw PluginError("all weights are 0, so no client counts") }
  }

  /// Calls `body` for some entries at a time, with the sorted values, their clients, their number, and the target of the
  /// result.
  func forEachTile(
    of output: MutableMatrixView,
    _ body: (
      UnsafeMutablePointer<Float>, UnsafeMutablePointer<UInt32>, Int, UnsafeMutablePointer<Float>
    ) -> Void
  ) throws {
    guard let target = output.elements.baseAddress else { return }
    let size = 2048
    let values = UnsafeMutablePointer<Float>.allocate(capacity: inputs.count * size)
    let order = UnsafeMutablePointer<UInt32>.allocate(capacity: inputs.count * size)
    defer {
      values.deallocate()
      order.deallocate()
    }
    for start in stride(from: 0, to: output.elements.count, by: size) {
      try host.checkCancellation()
      let count = min(size, output.elements.count - start)
      for (index, input) in inputs.enumerated() {
        (values + index * count).update(from: input.matrix.elements.baseAddress! + start, count: count)
      }
      clues_sort_across(values, order, inputs.count, count)
      body(values, order, count, target + start)
    }
  }
}
