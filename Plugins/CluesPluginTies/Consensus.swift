import CKernels
import PluginKit

/// How masked matrices become one.
enum Consensus {
  /// lambda · Σ wᵢ xᵢ, divided by Σ wᵢ or not.
  case sum(normalize: Bool, lambda: Double)
  /// lambda · Σ wᵢ xᵢ over those that have the elected sign, divided or not.
  case agreement(elect: Elect, election: Election, divide: Divide, lambda: Double)
}

enum Elect: String, ParameterChoice { case total, frequency }
enum Election: String, ParameterChoice { case unweighted, weighted }
enum Divide: String, ParameterChoice { case count, weights, none }

/// A client's masked matrix, its factor, and its weight.
struct Candidate {
  let matrix: MaskedMatrix
  let scale: Double
  let weight: Double
}

extension Consensus {
  /// Fills `target`, [rows, columns], with the consensus of the candidates.
  func merge(
    _ candidates: [Candidate], rows: Int, columns: Int, into target: UnsafeMutableBufferPointer<Float>, host: Host
  ) throws {
    let weightedInputs = try weightedInputs(of: candidates)
    if let warning = warning(about: candidates.map(\.weight)) { host.log(warning, level: .warning) }
    let matrices = candidates.map(\.matrix)
    let firstRow = matrices.first?.firstRow ?? 0
    var room = [clues_range](repeating: clues_range(), count: matrices.count)
    let scratches = matrices.contains(where: \.needsScratch) ? matrices.count : 0
    try forEachTile(of: rows, columns: columns, inputs: scratches, host: host) { lines, scratch in
      let count = lines.count * columns
      let inputs = matrices.enumerated().map { index, matrix in
        matrix.maskedInput(lines, scratch: scratch + index * count)
      }
      let first = UInt64((firstRow + lines.lowerBound) * columns)
      let target = target.baseAddress! + lines.lowerBound * columns
      switch self {
      case .sum(_, let lambda): clues_sum(inputs, weightedInputs, inputs.count, first, count, lambda, &room, target)
      case .agreement(let elect, _, _, let lambda):
        let bySign: Int32 = elect == .frequency ? 1 : 0
        clues_sum_agreeing(inputs, weightedInputs, inputs.count, first, count, bySign, lambda, &room, target)
      }
    }
  }

  /// A warning about weights that make the result smaller than probably intended: 1/n each, as for an average, if the sum is
  /// also divided by a count.
  private func warning(about weights: [Double]) -> String? {
    guard case .agreement(_, _, divide: .count, let lambda) = self, weights.count > 1, lambda == 1,
      abs(weights.reduce(0, +) - 1) < 1e-3
    else { return nil }
    return
      "the weights sum to 1, and divide: count also divides the sum by the number of clients that agree, "
      + "so the result is about 1/\(weights.count) of an average; use weights of 1, or set divide: weights"
  }

  private func weightedInputs(of candidates: [Candidate]) throws -> [clues_weighted_input] {
    let weights = candidates.map(\.weight)
    switch self {
    case .sum(let normalize, _):
      let sum = weights.reduce(0, +)
      guard !normalize || abs(sum) > 1e-8 * weights.reduce(0, { $0 + abs($1) }) else {
        throw PluginError("the weights sum to \(sum), which cannot be a divisor; set normalize: false")
      }
      return candidates.map { .init(factor: $0.scale * $0.weight / (normalize ? sum : 1), share: 0, vote: 0) }
    case .agreement(let elect, let election, let divide, _):
      guard divide != .weights || weights.allSatisfy({ $0 >= 0 }) || weights.allSatisfy({ $0 <= 0 }) else {
        throw PluginError(
          "the weights have both signs, and if they cancel out they cannot be a divisor; "
            + "set divide: count or divide: none")
      }
      return candidates.map { candidate in
        let vote = election == .weighted ? candidate.weight : 1
        return clues_weighted_input(
          factor: candidate.scale * candidate.weight,
          share: divide == .none ? 0 : divide == .count ? 1 : candidate.weight,
          vote: elect == .total ? candidate.scale * vote : vote)
      }
    }
  }
}
