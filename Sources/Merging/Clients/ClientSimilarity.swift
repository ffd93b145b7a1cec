import CKernels
import Diagnostics
import LowRank
import Tensors

/// The similarity of the clients' updates in one module.
package struct ClientSimilarity {
  package let clients: [String]
  package let ranks: [Int]
  /// ‖ΔWᵢ‖²_F of every client.
  let energies: [Double]
  /// ⟨ΔWᵢ, ΔWⱼ⟩, row-major; nil if pairs were not compared.
  package let innerProducts: [Double]?
  /// The share of entries at which the updates have both signs: of all entries, or of about 16,384 at the crossings of rows and
  /// columns spread over the matrix, which is accurate to half a percent.
  package let signConflict: Double

  /// - parameters:
  ///   - moduleInputs: Those of the clients that have the module.
  ///   - compares: Whether to compare all pairs of clients.
  package init(of moduleInputs: [ModuleInput], compares: Bool) throws {
    clients = moduleInputs.map(\.client)
    ranks = moduleInputs.map(\.rank)
    let products = try compares ? Self.innerProducts(of: moduleInputs) : nil
    var conflict =
      moduleInputs.count > 1 ? SignConflict(rows: moduleInputs[0].outputs, columns: moduleInputs[0].inputs) : nil
    var energies: [Double] = []
    for (index, moduleInput) in moduleInputs.enumerated() {
      let term = try moduleInput.term()
      let energy = try products?[index * (moduleInputs.count + 1)] ?? Self.energy(of: moduleInput)
      guard energy <= largestEnergy else { throw moduleInput.beyondFloat32 }
      energies.append(energy)
      try conflict?.add(term)
    }
    innerProducts = products
    self.energies = energies
    signConflict = conflict?.share ?? 0
  }

  private static func innerProducts(of moduleInputs: [ModuleInput]) throws -> [Double] {
    do {
      return try roughGram(moduleInputs.count, blocks: block) { try moduleInputs[$0].term() }.elements
    } catch {
      // A sum over all clients cannot tell whose numbers are too large for it.
      for moduleInput in moduleInputs { _ = try energy(of: moduleInput) }
      throw error
    }
  }

  private static func energy(of moduleInput: ModuleInput) throws -> Double {
    try locating(client: moduleInput.client) { try roughGram([moduleInput.term()])[0, 0] }
  }

  /// The number of clients whose factors are in memory at once while pairs are compared.
  private static let block = 8
}

/// An upper bound for ‖ΔW‖²_F of an update whose entries are float32 numbers.
let largestEnergy = Double(Float.greatestFiniteMagnitude) * Double(Float.greatestFiniteMagnitude)

/// Whether entries of an update are so small on average that float32 holds them only in part, or as zeros.
///
/// Below the normal range the error of an entry is at most 2⁻¹⁵⁰.
func isLostInFloat32(energy: Double, like moduleInput: ModuleInput) -> Bool {
  let error = 0x1p-150 / faithfulNarrowing
  return energy > 0 && energy < error * error * Double(moduleInput.outputs * moduleInput.inputs)
}

/// Which signs the updates have at some entries.
private struct SignConflict {
  private let rows: [Int]
  private let columns: [Int]
  /// A bit for each sign that occurred.
  private var signs: [UInt8]

  init(rows height: Int, columns width: Int) {
    rows = spread(min(height, 16_384 / max(1, min(width, 256))), over: height)
    columns = spread(min(width, 16_384 / max(1, rows.count)), over: width)
    signs = [UInt8](repeating: 0, count: rows.count * columns.count)
  }

  mutating func add(_ term: Term) throws {
    try roughEntries(rows: rows, columns: columns, of: term).withUnsafeBufferPointer { values in
      if let start = values.baseAddress { clues_note_signs(start, &signs, values.count) }
    }
  }

  /// The share of entries at which both signs occurred.
  var share: Double { Double(signs.reduce(0) { $0 + ($1 == 3 ? 1 : 0) }) / Double(max(1, signs.count)) }
}

/// A number of indices below `size`, one from each of as many equal intervals, at varying positions: the heads of a layer
/// have equal sizes too, and each should be sampled at many positions.
private func spread(_ count: Int, over size: Int) -> [Int] {
  (0..<count).map { $0 * size / count + $0 % (size / count) }
}
