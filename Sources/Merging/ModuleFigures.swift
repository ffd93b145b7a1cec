/// Figures for a merged module.
package struct ModuleFigures: Sendable {
  package let module: String
  /// The clients that have the module.
  package let clients: [String]
  /// The number of clients in the merge.
  let clientCount: Int
  package let rank: Int
  package let inputRanks: [Int]
  /// ‖ΔWᵢ‖²_F of every client that has the module.
  let inputEnergies: [Double]
  /// ⟨ΔWᵢ, ΔWⱼ⟩ of the clients that have the module, row-major; nil if clients were not compared (``Merger/compared``).
  package let innerProducts: [Double]?
  /// ⟨ΔWᵢ, ΔW⟩ of every client's update and the merged one as written; nil if clients were not compared.
  let resultProducts: [Double]?
  /// The coefficients that a linear method gave the clients' updates, in the order of ``clients``; nil for other methods.
  package let coefficients: [Double]?
  /// The share of entries at which the clients' updates have both signs.
  package let signConflict: Double
  /// ‖ΔW‖²_F of the merged delta before it was compressed.
  package let energy: Double
  /// How much of that compression dropped.
  package let discardedEnergy: Double

  /// - parameter coefficients: Those of the clients that have the module.
  package init(
    _ module: String, _ clientSimilarity: ClientSimilarity, of clientCount: Int, _ result: ModuleMerge.Result,
    coefficients: [Double]? = nil, resultProducts: [Double]? = nil
  ) {
    self.module = module
    self.coefficients = coefficients
    self.resultProducts = resultProducts
    self.clientCount = clientCount
    clients = clientSimilarity.clients
    rank = result.rank
    inputRanks = clientSimilarity.ranks
    innerProducts = clientSimilarity.innerProducts
    inputEnergies = clientSimilarity.energies
    signConflict = clientSimilarity.signConflict
    energy = result.energy
    discardedEnergy = result.discardedEnergy
  }

  /// ‖ΔW‖²_F of the merged delta after it was compressed.
  var keptEnergy: Double { max(0, energy - discardedEnergy) }

  /// The share of the clients that have the module.
  package var coverage: Double { Double(clients.count) / Double(clientCount) }

  /// ‖ΔWᵢ‖_F of every client.
  package var inputNorms: [Double] { inputEnergies.map { $0.squareRoot() } }

  /// The cosines of the angles between the clients' updates, row-major; 0 if an update is zero. Nil if clients were not
  /// compared.
  package var cosines: [Double]? { innerProducts.map { Merging.cosines(of: $0, count: clients.count) } }
}

/// Inner products divided by the norms; 0 if a norm is 0.
package func cosines(of products: [Double], count: Int) -> [Double] {
  (0..<count * count).map { index in
    let (i, j) = (index / count, index % count)
    let norms = (products[i * count + i] * products[j * count + j]).squareRoot()
    return norms > 0 ? products[index] / norms : 0
  }
}
