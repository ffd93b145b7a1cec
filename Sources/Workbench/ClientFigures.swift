import Foundation

/// How one client's update stands beside those of the others and beside the result.
public struct ClientFigures: Sendable {
  public let client: String
  /// ‖ΔW‖_F over all of the client's modules.
  public let norm: Double
  /// The cosine with the merged update; nil where one of the two is zero, or was not compared.
  public let cosineWithResult: Double?
  /// The cosine with the mean of the others, each at length 1; nil where there is no other, or where it is zero.
  public let cosineWithOthers: Double?
  /// The least and the largest coefficient that a linear method gave the client in a module; nil for other methods.
  public let coefficients: ClosedRange<Double>?
}

/// The clients of a merge, compared over the modules that they share.
///
/// A pair is compared over the modules that both have, so that a module which one of them lacks counts as no difference. The
/// mean of the others is that of their directions: each is divided by its own norm first, for else the longest update
/// would stand for all. Sums are taken in the order of the modules.
struct Comparison {
  private let clients: [String]
  private let modules: [ModuleFigures]
  /// Of each module the places of its clients.
  private let places: [[Int]]
  private let products: [Double]
  private let pairCounts: [Int]

  init(_ modules: [ModuleFigures], of clients: [String]) {
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

  /// How many modules at least two clients have.
  var sharedModules: Int { places.count { $0.count > 1 } }

  /// In how many of these the clients were compared.
  var comparedModules: Int { zip(modules, places).count { $0.innerProducts != nil && $1.count > 1 } }

  /// The cosines of all pairs, row-major: 0 where an update is zero, nil where two clients share no compared module.
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
    return (0..<count * count).map { place in
      let (i, j) = (place / count, place % count)
      guard pairCounts[place] > 0 else { return nil }
      let norms = (squares[place] * squares[j * count + i]).squareRoot()
      return norms > 0 ? products[place] / norms : 0
    }
  }

  /// How many modules the cosine of a pair is taken over, from the least to the most, of pairs that share any.
  var modulesOfPairs: ClosedRange<Int>? {
    let counts = pairCounts.enumerated().filter {
      $0.offset / clients.count != $0.offset % clients.count && $0.element > 0
    }
    return counts.map(\.element).min().flatMap { least in counts.map(\.element).max().map { least...$0 } }
  }

  var figures: [ClientFigures] {
    clients.enumerated().map { client, name in
      ClientFigures(
        client: name, norm: energy(of: client).squareRoot(), cosineWithResult: cosineWithResult(client),
        cosineWithOthers: cosineWithOthers(client), coefficients: coefficients(of: client))
    }
  }

  /// The modules of a client, with its place among their clients.
  private func modules(of client: Int) -> [(module: ModuleFigures, row: Int, places: [Int])] {
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
    // Directions that cancel out leave nothing but rounding.
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
