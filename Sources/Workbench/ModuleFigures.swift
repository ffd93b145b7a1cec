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
  /// ⟨ΔWᵢ, ΔWⱼ⟩ of the clients that have the module, row-major.
  let innerProducts: [Double]
  /// The share of entries at which the clients' updates have both signs.
  public let signConflict: Double
  /// ‖ΔW‖²_F of the merged delta before it was compressed.
  public let energy: Double
  /// How much of that compression left out.
  public let discardedEnergy: Double

  init(_ module: String, _ shares: [ModuleShare], of clientCount: Int, _ result: ModuleMerge.Result) throws {
    self.module = module
    self.clientCount = clientCount
    clients = shares.map(\.client)
    rank = result.rank
    inputRanks = shares.map(\.term.rank)
    innerProducts = try gram(shares.map(\.term)).elements
    signConflict = try Workbench.signConflict(shares.map(\.term))
    energy = result.energy
    discardedEnergy = result.discardedEnergy
  }

  /// The share of the clients that have the module.
  public var coverage: Double { Double(clients.count) / Double(clientCount) }

  /// ‖ΔWᵢ‖_F of every client.
  public var inputNorms: [Double] { clients.indices.map { innerProducts[$0 * clients.count + $0].squareRoot() } }

  /// The cosines of the angles between the clients' updates, row-major; 0 where an update is zero.
  public var cosines: [Double] { Workbench.cosines(of: innerProducts, count: clients.count) }
}

/// Inner products divided by the norms; 0 where a norm is 0.
func cosines(of products: [Double], count: Int) -> [Double] {
  (0..<count * count).map { place in
    let (i, j) = (place / count, place % count)
    let norms = (products[i * count + i] * products[j * count + j]).squareRoot()
    return norms > 0 ? products[place] / norms : 0
  }
}

/// The share of entries at which the terms have both signs, over rows spread evenly: some 65,536 entries, or all.
private func signConflict(_ terms: [Term]) throws -> Double {
  guard terms.count > 1, let first = terms.first else { return 0 }
  let (rows, columns) = (first.factors.out, first.factors.in)
  let count = max(1, min(rows, 65_536 / max(1, columns)))
  let sample = try terms.map { term -> [Float] in
    let b = try Matrix<Float>(rows: count, columns: term.rank) { target in
      term.b.withUnsafeBufferPointer { source in
        for row in 0..<count {
          let start = row * rows / count * term.rank
          for place in 0..<term.rank {
            target.initializeElement(at: row * term.rank + place, to: source[start + place])
          }
        }
      }
    }
    return try delta(of: [Term(coefficient: term.coefficient, b: b, a: term.a)]).elements
  }
  let conflicts = sample[0].indices.count { place in
    sample.contains { $0[place] > 0 } && sample.contains { $0[place] < 0 }
  }
  return Double(conflicts) / Double(sample[0].count)
}
