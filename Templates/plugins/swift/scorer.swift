import PluginKit

/// A scorer. This one scores a sample by its loss, times `scale`: what the model finds hard is worth more.
struct HardSamples: Scorer {
  static let id = "my-plugin"
  static let summary = "Samples with a large loss score high."
  static let details = "The score is scale · loss, and the mean of that over the checkpoints."

  @Parameter("A factor for all scores.", in: 0...(.infinity)) var scale = 1.0

  let needs = [Needs(columns: ["loss"])]

  private var losses: [Double] = []

  mutating func begin(_ checkpoint: Checkpoint) throws {
    guard let column = checkpoint.column("loss") else { throw PluginError("there is no column 'loss'") }
    losses = Array(column)
  }

  func scores() -> [Score] {
    losses.map { $0.isFinite ? .value(scale * $0) : .unscored("it has no loss") }
  }

  func combine(_ checkpoints: [[Score]]) -> [Score] {
    mean(of: checkpoints).map { score in
      if case .unscored = score { .unscored("it has no score at one of the checkpoints") } else { score }
    }
  }
}

private let library = PluginLibrary("my-plugin", version: "1.0.0", scorers: [HardSamples.self])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
