import Diagnostics
import Foundation

/// How one client's update compares with the others' and with the result.
package struct ClientFigures: Sendable {
  package let client: String
  /// ‖ΔW‖_F over all of the client's modules.
  package let norm: Double
  /// The cosine with the merged update; nil if one of the two is zero, or was not compared.
  package let cosineWithResult: Double?
  /// The cosine with the mean of the others, each normalized; nil if there is no other, or if the mean is zero.
  package let cosineWithOthers: Double?
  /// The upper median of its cosines with the others; nil if there is no other.
  package let medianCosine: Double?
  /// The effect of leaving it out on the others; nil if there are fewer than two.
  package let leavingOut: LeavingOut?
  /// The smallest and the largest coefficient that a linear method gave the client in a module; nil for other methods.
  package let coefficients: ClosedRange<Double>?
  /// How it differs from the others in each module, the most different first.
  let differences: [ModuleDifference]

  package init(
    client: String, norm: Double, cosineWithResult: Double? = nil, cosineWithOthers: Double? = nil,
    medianCosine: Double? = nil, leavingOut: LeavingOut? = nil, coefficients: ClosedRange<Double>? = nil,
    differences: [ModuleDifference] = []
  ) {
    (self.client, self.norm, self.cosineWithResult) = (client, norm, cosineWithResult)
    (self.cosineWithOthers, self.medianCosine, self.leavingOut) = (cosineWithOthers, medianCosine, leavingOut)
    (self.coefficients, self.differences) = (coefficients, differences)
  }

  /// The median of the other clients' cosines with the plain average of all, and with that of all but this one.
  package struct LeavingOut: Sendable, Equatable {
    package let with: Double
    package let without: Double
  }
}

/// The clients of a merge, compared over the modules that they share.
///
/// A pair is compared over the modules that both have, so a module that one of them lacks counts as no difference. The mean
/// of the others is that of their directions: each is divided by its own norm first, because otherwise the longest update
/// would dominate. Sums are taken in the order of the modules.
struct Comparison {
  private let clients: [String]
  private let modules: [ComparedModule]
  /// For each module, the indices of its clients.
  private let places: [[Int]]
  private let products: [Double]
  private let pairCounts: [Int]

  init(_ modules: [ComparedModule], of clients: [String]) {
    let all = Dictionary(uniqueKeysWithValues: clients.enumerated().map { ($1, $0) })
    self.clients = clients
    self.modules = modules
    places = modules.map { $0.clients.compactMap { all[$0] } }
    let count = clients.count
    var products = [Double](repeating: 0, count: count * count)
    var pairCounts = [Int](repeating: 0, count: count * count)
    for (module, places) in zip(modules, places) {
      guard let own = module.innerProducts, places.count > 1 else { continue }
      for (row, i) in places.enumerated() {
        for (column, j) in places.enumerated() {
          products[i * count + j] += own[row * places.count + column]
          pairCounts[i * count + j] += 1
        }
      }
    }
    self.products = products
    self.pairCounts = pairCounts
  }

  /// The number of modules that at least two clients have.
  var sharedModules: Int { places.count { $0.count > 1 } }

  /// In how many of these the clients were compared.
  var comparedModules: Int { zip(modules, places).count { $0.innerProducts != nil && $1.count > 1 } }

  /// The cosines of all pairs, row-major: 0 if an update is zero, nil if two clients share no compared module.
  var cosines: [Double?] {
    let count = clients.count
    // ‖ΔWᵢ‖² over the modules that i and j share.
    var squares = [Double](repeating: 0, count: count * count)
    for (module, places) in zip(modules, places) {
      guard let own = module.innerProducts, places.count > 1 else { continue }
      for (row, i) in places.enumerated() {
        for j in places { squares[i * count + j] += own[row * (places.count + 1)] }
      }
    }
    return (0..<count * count).map { index in
      let (i, j) = (index / count, index % count)
      guard pairCounts[index] > 0 else { return nil }
      let norms = (squares[index] * squares[j * count + i]).squareRoot()
      return norms > 0 ? products[index] / norms : 0
    }
  }

  /// The smallest and largest number of modules over which the cosine of a pair is taken, among pairs that share any.
  var modulesOfPairs: ClosedRange<Int>? {
    let counts = pairCounts.enumerated().filter {
      $0.offset / clients.count != $0.offset % clients.count && $0.element > 0
    }
    return counts.map(\.element).min().flatMap { least in counts.map(\.element).max().map { least...$0 } }
  }

  /// The figures of all clients, and which of them are copies of each other.
  var figures: (clients: [ClientFigures], copies: ClientCopies) {
    let (count, norms) = (clients.count, clients.indices.map { energy(of: $0).squareRoot() })
    // A zero has no direction.
    let cosines = cosines.enumerated().map { index, cosine in
      norms[index / count] > 0 && norms[index % count] > 0 ? cosine : nil
    }
    let copies = ClientCopies(cosines, count: count)
    var differences = clients.map { _ in [ModuleDifference]() }
    for (module, places) in zip(modules, places) {
      for (client, difference) in module.differences(places, copies) { differences[client].append(difference) }
    }
    let left = leavingOut(norms)
    let figures = clients.enumerated().map { client, name in
      ClientFigures(
        client: name, norm: norms[client], cosineWithResult: cosineWithResult(client),
        cosineWithOthers: cosineWithOthers(client),
        medianCosine: norms[client] > 0 ? upperMedian(copies.others(of: client) { cosines[client * count + $0] }) : nil,
        leavingOut: left[client], coefficients: coefficients(of: client),
        differences: differences[client].sorted { ($1.size, $0.module) < ($0.size, $1.module) })
    }
    return (figures, copies)
  }

  /// The effect of leaving out each client on the others, from the inner products alone.
  private func leavingOut(_ norms: [Double]) -> [ClientFigures.LeavingOut?] {
    let count = clients.count
    let parts = zip(modules, places).compactMap { module, places in
      module.innerProducts.map { (places: places, products: $0) }
    }
    let products = summed(parts, count: count)
    let sums = (0..<count).map { i in (0..<count).reduce(0) { $0 + products[i * count + $1] } }
    let (total, energies) = (sums.reduce(0, +), (0..<count).map { products[$0 * (count + 1)] })
    return (0..<count).map { left in
      let rest = total - 2 * sums[left] + energies[left]
      let others = (0..<count).filter { $0 != left && energies[$0] > 0 }
      // Only rounding remains of updates that cancel out.
      guard others.count > 1, min(total, rest) > 1e-9 * energies.reduce(0, +) else { return nil }
      let with = others.map { sums[$0] / (energies[$0] * total).squareRoot() }
      let without = others.map { (sums[$0] - products[$0 * count + left]) / (energies[$0] * rest).squareRoot() }
      return .init(with: median(with), without: median(without))
    }
  }

  /// The modules of a client, with its index among their clients.
  private func modules(of client: Int) -> [(module: ComparedModule, row: Int, places: [Int])] {
    zip(modules, places).compactMap { module, places in places.firstIndex(of: client).map { (module, $0, places) } }
  }

  private func energy(of client: Int) -> Double {
    modules(of: client).reduce(0) { $0 + $1.module.inputEnergies[$1.row] }
  }

  private func cosineWithResult(_ client: Int) -> Double? {
    var (product, square, resultSquare) = (0.0, 0.0, 0.0)
    for (module, row, _) in modules(of: client) {
      guard let products = module.resultProducts else { continue }
      product += products[row]
      square += module.inputEnergies[row]
      resultSquare += module.keptEnergy
    }
    return cosine(product, square, resultSquare)
  }

  private func cosineWithOthers(_ client: Int) -> Double? {
    let count = clients.count
    var sums = [Double](repeating: 0, count: count * count)
    for (module, _, places) in modules(of: client) {
      guard let own = module.innerProducts, places.count > 1 else { continue }
      for (row, i) in places.enumerated() {
        for (column, j) in places.enumerated() { sums[i * count + j] += own[row * places.count + column] }
      }
    }
    let norms = (0..<count).map { sums[$0 * (count + 1)].squareRoot() }
    let others = (0..<count).filter { $0 != client && norms[$0] > 0 }
    let product = others.reduce(0) { $0 + sums[client * count + $1] / norms[$1] }
    let square = others.reduce(0) { sum, i in
      others.reduce(sum) { $0 + sums[i * count + $1] / (norms[i] * norms[$1]) }
    }
    // Only rounding remains of directions that cancel out.
    guard square > 1e-9 * Double(others.count) else { return nil }
    return cosine(product, sums[client * (count + 1)], square)
  }

  private func cosine(_ product: Double, _ square: Double, _ other: Double) -> Double? {
    let norms = square.squareRoot() * other.squareRoot()
    return norms > 0 && norms.isFinite ? min(1, max(-1, product / norms)) : nil
  }

  private func coefficients(of client: Int) -> ClosedRange<Double>? {
    let own = modules(of: client).compactMap { $0.module.coefficients?[$0.row] }
    return own.min().flatMap { least in own.max().map { least...$0 } }
  }
}
