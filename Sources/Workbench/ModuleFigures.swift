import CKernels
import LowRank

/// What is to be known about a merged module.
public struct ModuleFigures: Sendable {
  public let module: String
  /// The clients that have the module.
  public let clients: [String]
  /// How many clients the merge has.
  public let clientCount: Int
  public let rank: Int
  public let inputRanks: [Int]
  /// ‖ΔWᵢ‖²_F of every client that has the module.
  let inputEnergies: [Double]
  /// ⟨ΔWᵢ, ΔWⱼ⟩ of the clients that have the module, row-major; nil where clients were not compared (``Merger/compared``).
  let innerProducts: [Double]?
  /// The share of entries at which the clients' updates have both signs.
  public let signConflict: Double
  /// ‖ΔW‖²_F of the merged delta before it was compressed.
  public let energy: Double
  /// How much of that compression left out.
  public let discardedEnergy: Double

  /// - parameter compares: Whether to look at all pairs of clients.
  init(
    _ module: String, _ shares: [ModuleShare], of clientCount: Int, compares: Bool, _ result: ModuleMerge.Result
  ) throws {
    self.module = module
    self.clientCount = clientCount
    clients = shares.map(\.client)
    rank = result.rank
    inputRanks = shares.map(\.term.rank)
    let products = compares ? try roughGram(shares.map(\.term)).elements : nil
    innerProducts = products
    inputEnergies = try shares.indices.map { place in
      try products?[place * (shares.count + 1)] ?? roughGram([shares[place].term])[0, 0]
    }
    signConflict = try Workbench.signConflict(shares.map(\.term))
    energy = result.energy
    discardedEnergy = result.discardedEnergy
  }

  /// The share of the clients that have the module.
  public var coverage: Double { Double(clients.count) / Double(clientCount) }

  /// ‖ΔWᵢ‖_F of every client.
  public var inputNorms: [Double] { inputEnergies.map { $0.squareRoot() } }

  /// The cosines of the angles between the clients' updates, row-major; 0 where an update is zero. Nil where clients were
  /// not compared.
  public var cosines: [Double]? { innerProducts.map { Workbench.cosines(of: $0, count: clients.count) } }
}

/// Inner products divided by the norms; 0 where a norm is 0.
func cosines(of products: [Double], count: Int) -> [Double] {
  (0..<count * count).map { place in
    let (i, j) = (place / count, place % count)
    let norms = (products[i * count + i] * products[j * count + j]).squareRoot()
    return norms > 0 ? products[place] / norms : 0
  }
}

/// The share of entries at which the terms have both signs: of all, or of some 16,384 where rows and columns cross that
/// are spread over the matrix, which tells it to half a percent.
private func signConflict(_ terms: [Term]) throws -> Double {
  guard terms.count > 1, let first = terms.first else { return 0 }
  let (height, width) = (first.factors.out, first.factors.in)
  let rows = spread(min(height, 16_384 / max(1, min(width, 256))), over: height)
  let columns = spread(min(width, 16_384 / max(1, rows.count)), over: width)
  // One client at a time, so that memory does not grow with their number.
  var signs = [UInt8](repeating: 0, count: rows.count * columns.count)
  for term in terms {
    try roughEntries(rows: rows, columns: columns, of: term).withUnsafeBufferPointer { values in
      if let start = values.baseAddress { clues_note_signs(start, &signs, values.count) }
    }
  }
  return Double(signs.reduce(0) { $0 + ($1 == 3 ? 1 : 0) }) / Double(max(1, signs.count))
}

/// So many of the places below `size`, one from each of as many equal stretches, and not always its first: the heads of a
/// layer have equal sizes too, and each should be met at many of its places.
private func spread(_ count: Int, over size: Int) -> [Int] {
  (0..<count).map { $0 * size / count + $0 % (size / count) }
}
