import Diagnostics
import Foundation

/// What comparing clients needs to know about a module.
package struct ComparedModule: Sendable {
  package let module: String
  /// The clients that have it.
  package let clients: [String]
  /// ‖ΔWᵢ‖²_F of these.
  let inputEnergies: [Double]
  /// ⟨ΔWᵢ, ΔWⱼ⟩ of these, row-major; nil if clients were not compared.
  package let innerProducts: [Double]?
  /// ⟨ΔWᵢ, ΔW⟩ with the merged update; nil if clients were not compared.
  let resultProducts: [Double]?
  /// ‖ΔW‖²_F of the merged update.
  let keptEnergy: Double
  package let coefficients: [Double]?
}

extension ComparedModule {
  package init(_ figures: ModuleFigures) {
    self.init(
      module: figures.module, clients: figures.clients, inputEnergies: figures.inputEnergies,
      innerProducts: figures.innerProducts, resultProducts: figures.resultProducts, keptEnergy: figures.keptEnergy,
      coefficients: figures.coefficients)
  }

  /// A module whose result is the plain average of all clients; a client that lacks the module counts as zero.
  package init(_ module: String, clients: [String], innerProducts: [Double], averagedOver count: Int) {
    let own = clients.indices
    let products = own.map { i in own.reduce(0) { $0 + innerProducts[i * own.count + $1] } / Double(count) }
    self.init(
      module: module, clients: clients, inputEnergies: own.map { innerProducts[$0 * (own.count + 1)] },
      innerProducts: innerProducts, resultProducts: products,
      keptEnergy: max(0, products.reduce(0, +) / Double(count)), coefficients: nil)
  }
}

/// How a client's update of one module compares with the others'.
package struct ModuleDifference: Sendable, Equatable {
  package let module: String
  /// The median of its cosines with the others; nil for zero.
  let cosine: Double?
  /// The median of the others' medians.
  let usualCosine: Double?
  /// Its norm relative to the median of the others' norms; nil if one of them is zero.
  let ratio: Double?
  /// The distance of the logarithm of its norm from the median of the others', in units of the rule's bound for one module.
  package let excess: Double

  /// How much the module distinguishes the client from the others: 1 would be remarkable for a whole update.
  package var size: Double {
    let turned = cosine.flatMap { own in usualCosine.map { ($0 - own) / OutlierRule.leastDrop } } ?? 0
    return max(turned, ratio.map { abs(log($0)) / log(OutlierRule.leastRatio) } ?? 0)
  }
}

extension ComparedModule {
  /// How each of its clients differs from the others here, by the client's index; empty for fewer than three clients, and only
  /// norms if clients were not compared.
  ///
  /// - parameter places: The indices of its clients among all.
  func differences(_ places: [Int], _ copies: ClientCopies) -> [(client: Int, difference: ModuleDifference)] {
    guard places.count >= OutlierRule.leastClients else { return [] }
    let norms = inputEnergies.map { $0.squareRoot() }
    var rows = [Int?](repeating: nil, count: copies.first.count)
    var lengths = [Double?](repeating: nil, count: rows.count)
    for (row, client) in places.enumerated() {
      rows[client] = row
      lengths[client] = norms[row] > 0 ? log(norms[row]) : nil
    }
    func cosine(_ row: Int, _ client: Int) -> Double? {
      guard let innerProducts, let column = rows[client], norms[row] > 0, norms[column] > 0 else { return nil }
      return innerProducts[row * places.count + column] / (norms[row] * norms[column])
    }
    var cosines = [Double?](repeating: nil, count: rows.count)
    if innerProducts != nil {
      for (row, client) in places.enumerated() {
        cosines[client] = upperMedian(copies.others(of: client) { cosine(row, $0) })
      }
    }
    return places.map { client in
      let own = lengths[client]
      let others = copies.others(of: client, near: own) { lengths[$0] }
      let usual = copies.others(of: client, near: cosines[client]) { cosines[$0] }
      let bounds = Bounds(others, least: log(OutlierRule.leastModuleRatio))
      return (
        client,
        ModuleDifference(
          module: module, cosine: cosines[client], usualCosine: usual.isEmpty ? nil : median(usual),
          ratio: own.flatMap { own in others.isEmpty ? nil : exp(own - median(others)) },
          excess: own.flatMap { own in bounds?.distance(of: own) } ?? 0)
      )
    }
  }
}
