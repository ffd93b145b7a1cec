import PluginKit

/// A merge method. This one takes, entry by entry, the weighted sum of the clients times `scale`.
struct WeightedSum: MergeMethod {
  static let id = "my-plugin"
  static let summary = "The weighted sum of the clients, entry by entry."
  static let details = "The result is scale · Σ weight · value."
  static let spaces: Set<MergeSpace> = [.core, .delta]

  @Parameter("A factor for the whole result.", in: 0...(.infinity)) var scale = 1.0

  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    for row in 0..<output.rows {
      try unit.host.checkCancellation()
      for column in 0..<output.columns {
        var sum = 0.0
        for input in unit.inputs { sum += input.weight * Double(input.matrix[row, column]) }
        output[row, column] = Float(scale * sum)
      }
    }
  }
}

private let library = PluginLibrary("my-plugin", version: "1.0.0", mergeMethods: [WeightedSum.self])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
