import Adapters
import Engine

/// Writes the gradients of all samples of a file.
struct GradientFileSink: GradientSink {
  let file: GradientFile

  func take(_ gradient: ModuleGradient) throws { try file.write(gradient, sample: gradient.sample) }
}

/// Sums gradients and writes them into the files of their splits.
struct SumsAndFiles: GradientSink {
  let sums: LedgerSums
  let files: [GradientSplit]
  /// The indices of the measured samples among all scored samples.
  let places: [Int]

  func take(_ gradient: ModuleGradient) throws {
    sums.take(gradient)
    let place = places[gradient.sample]
    guard let split = files.first(where: { $0.places.contains(place) }) else { return }
    try split.file.write(gradient, sample: place - split.places.lowerBound)
  }

  func finish(pack: Int, samples: [Int]) throws { sums.finish(pack: pack, samples: samples) }
}

/// The gradients of the training samples, or of the anchors: indices of consecutive scored samples.
struct GradientSplit: Sendable {
  let places: Range<Int>
  let file: GradientFile

  func finish(_ rows: [MeasuredRow]) throws {
    try file.finish(losses: rows[places].map { Float($0.loss ?? .nan) }, tokens: rows[places].map(\.tokens))
  }

  func abandon() { file.abandon() }
}

extension CaptureWork {
  /// The requested files of gradients of a checkpoint: their kept names, and their paths in the bundle.
  func gradientNames(_ input: CheckpointInputs) -> [(name: String, path: String)] {
    guard settings.writesGradients else { return [] }
    let splits = [Split.train] + (samples.scored.contains { $0.sample.split == .anchor } ? [.anchor] : [])
    let names =
      splits.map { "\($0.rawValue).safetensors" } + samples.validation.map { "validation.\($0.domain).safetensors" }
    return names.map { ($0, "\(input.files.folder)/gradients/\($0)") }
  }

  /// The name under which a file of gradients is kept.
  func keptName(_ name: String, _ step: Int) -> String { "\(keys.gradients[step] ?? "")\(name)" }

  func gradientSplits(_ input: CheckpointInputs, _ engine: Engine) throws -> [GradientSplit] {
    guard settings.writesGradients else { return [] }
    let trainingCount = samples.scored.count { $0.sample.split == .train }
    var splits: [GradientSplit] = []
    for (split, places) in [(Split.train, 0..<trainingCount), (.anchor, trainingCount..<samples.scored.count)]
    where !places.isEmpty {
      let path = kept.path(keptName("\(split.rawValue).safetensors", input.step))
      splits.append(
        GradientSplit(places: places, file: try GradientFile(path, modules: engine.modules, samples: places.count)))
    }
    return splits
  }
}
