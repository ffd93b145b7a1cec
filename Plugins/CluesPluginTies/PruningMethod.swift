import PluginKit

/// A merge method that prunes each client's matrix and then brings what is left together.
///
/// The family is one implementation: a mask times a consensus.
protocol PruningMethod: MergeMethod {
  /// Which entries of a client's matrix are kept.
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask

  /// What the kept entries are multiplied with; `density` is the share that was to be kept.
  var rescale: Rescale { get }
  func density(of input: MergeInput) -> Double

  var consensus: Consensus { get }
}

/// How the kept entries make up for those that are gone.
enum Rescale: String, ParameterChoice { case inverse, l1, none }

extension PruningMethod {
  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    let candidates = try unit.inputs.map { input in
      let matrix = MaskedMatrix(
        elements: input.matrix.elements, columns: input.matrix.columns, mask: try mask(of: input, in: unit),
        host: unit.host)
      return Candidate(matrix: matrix, scale: try scale(of: matrix, density(of: input)), weight: input.weight)
    }
    try consensus.merge(
      candidates, rows: output.rows, columns: output.columns, into: output.elements, host: unit.host)
  }

  private func scale(of matrix: MaskedMatrix, _ density: Double) throws -> Double {
    switch (rescale, matrix.mask) {
    // DELLA's mask has a probability for every entry and divides by it.
    case (.none, _), (_, .all), (_, .nothing), (.inverse, .ranked): 1
    case (.inverse, _): 1 / density
    case (.l1, _): try matrix.absoluteRatio()
    }
  }
}
