import PluginKit

/// A merge method that prunes each client's matrix and then combines the rest.
///
/// The whole family has one implementation: a mask followed by a consensus.
protocol PruningMethod: RowwiseMergeMethod where Note == PruningNote {
  /// Which entries of a client's matrix are kept.
  func mask(of input: MergeInput, in unit: MergeUnit) throws -> Mask

  /// The factor for the kept entries; `density` is the share that should be kept.
  var rescale: Rescale { get }
  func density(of input: MergeInput) -> Double

  var consensus: Consensus { get }
}

/// How the kept entries compensate for the dropped ones.
enum Rescale: String, ParameterChoice { case inverse, l1, none }

/// Which entries of a client's matrix are kept, and their factor.
struct PruningNote: BitwiseCopyable {
  let mask: Mask
  let scale: Double
}

extension PruningMethod {
  static var readsRows: Bool { true }

  func note(_ input: MergeInput, in unit: MergeUnit) throws -> PruningNote {
    let mask = try mask(of: input, in: unit)
    return PruningNote(mask: mask, scale: try scale(of: input, mask, host: unit.host))
  }

  func merge(_ unit: MergeUnit, rows firstRow: Int, notes: [PruningNote], into output: MutableMatrixView) throws {
    let candidates = zip(unit.inputs, notes).map { input, note in
      let matrix = MaskedMatrix(
        elements: input.matrix.elements, columns: input.matrix.columns, firstRow: firstRow, mask: note.mask,
        host: unit.host)
      return Candidate(matrix: matrix, scale: note.scale, weight: input.weight)
    }
    try consensus.merge(
      candidates, rows: output.rows, columns: output.columns, into: output.elements, host: unit.host)
  }

  private func scale(of input: MergeInput, _ mask: Mask, host: Host) throws -> Double {
    switch (rescale, mask) {
    // DELLA's mask has a probability for every entry and divides by it.
    case (.none, _), (_, .all), (_, .nothing), (.inverse, .ranked): 1
    case (.inverse, _): 1 / density(of: input)
    case (.l1, _): try absoluteRatio(of: input.rows, mask, host: host)
    }
  }
}
