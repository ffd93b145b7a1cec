import PluginKit

/// A score for every client, from adapters alone: does it move like a client that was trained on anchors?
struct Trajectory: ClientScorer {
  static let id = "trajectory"
  static let summary = "How a client's updates agree with those of an anchor-trained adapter, or of the other clients."
  static let details = """
    With u_j the change of a client's ΔW between the j-th and the previous of the steps that it shares with the anchor \
    client (before the first step ΔW is zero) and a_j the anchor client's:

        S = mean over j of cos(u_j, a_j)                compare: cosine
        S = Σ ⟨u_j, a_j⟩ / √(Σ ‖u_j‖² Σ ‖a_j‖²)         compare: weighted-cosine

    Only directions count: a client whose updates are longer by any factor has the same score. Among the steps of one \
    client, weighted-cosine gives longer ones more weight. steps: last compares only the last adapters, whatever their \
    steps. With several anchor clients the score is the mean over them; an anchor client is compared with the others. With \
    none, a is the mean of the other clients' directions: each is normalized first (at each step, or with weighted-cosine \
    over all steps), so that no client dominates.
    """
  static let reference = "The idea of CLUES, applied to the clients' updates instead of their samples"

  enum Compare: String, ParameterChoice {
    case cosine
    case weightedCosine = "weighted-cosine"
  }
  enum Steps: String, ParameterChoice { case shared, last }

  @Parameter("Whether all steps count alike, or longer ones count more.") var compare = Compare.cosine
  @Parameter("Compare updates between shared steps, or the last adapters.") var steps = Steps.shared

  func scores(_ collection: AdapterCollection) throws -> [Score] {
    let anchors = collection.clients.indices.filter { collection.anchors[$0] }
    return collection.clients.indices.map { client in
      do throws(Unscorable) {
        guard !anchors.isEmpty else {
          let others = collection.clients.indices.filter { $0 != client }
          guard !others.isEmpty else {
            throw Unscorable("it is the only client, so there is nothing to compare it with")
          }
          return .value(try agreement(client, withMeanOf: others, collection))
        }
        let others = anchors.filter { $0 != client }
        guard !others.isEmpty else { throw Unscorable("it is the only client trained on anchor data") }
        var sum = 0.0
        for anchor in others { sum += try agreement(client, withMeanOf: [anchor], collection) }
        return .value(sum / Double(others.count))
      } catch {
        return .unscored(error.reason)
      }
    }
  }

  /// How a client's updates agree with the mean direction of others' updates between the same steps.
  private func agreement(
    _ client: Int, withMeanOf others: [Int], _ collection: AdapterCollection
  ) throws(Unscorable) -> Double {
    let rows = shared(client, others, collection)
    let names = others.map { "'\(collection.clients[$0])'" }.joined(separator: ", ")
    guard !rows.isEmpty else {
      throw Unscorable("it shares no checkpoint step with \(names); steps: last would compare the last adapters")
    }
    // For each step, the client's update, then the others'.
    let updates = rows.enumerated().map { index, row in
      row.indices.map { Update(to: row[$0], from: index > 0 ? rows[index - 1][$0] : nil) }
    }
    let squares = updates.map { $0.map { $0.square(collection) } }
    func lengths(_ squares: [[Double]]) -> [Double] {
      squares[0].indices.map { owner in squares.reduce(0) { $0 + $1[owner] }.squareRoot() }
    }
    func sum(_ steps: [Int], lengths: [Double]) -> (product: Double, square: Double, meanSquare: Double) {
      steps.reduce(into: (0, 0, 0)) { sum, step in
        let theirs = zip(updates[step], lengths).dropFirst().filter { $0.1 > 0 }
        sum.0 += theirs.reduce(0) { $0 + updates[step][0].product($1.0, collection) / $1.1 }
        sum.1 += squares[step][0]
        sum.2 += theirs.reduce(0) { total, one in
          theirs.reduce(total) { $0 + one.0.product($1.0, collection) / (one.1 * $1.1) }
        }
      }
    }
    let parts = compare == .cosine ? rows.indices.map { [$0] } : [Array(rows.indices)]
    var score = 0.0
    for part in parts {
      let (product, square, meanSquare) = sum(part, lengths: lengths(part.map { squares[$0] }))
      let step = collection.steps[rows[part[0]][0]]
      guard square > 0 else { throw Unscorable("its adapter does not change before step \(step)") }
      // Only rounding remains of directions that cancel out.
      guard meanSquare > 1e-9 else {
        throw Unscorable(
          others.count == 1
            ? "the adapter of \(names) does not change before step \(step)"
            : "the mean of the others does not change before step \(step)")
      }
      score += product / (square.squareRoot() * meanSquare.squareRoot())
    }
    score /= Double(parts.count)
    guard score.isFinite else { throw Unscorable("its score is not a finite number") }
    return score
  }

  /// The adapters to compare, in step order: for each step that all have, the client's and the others'.
  private func shared(_ client: Int, _ others: [Int], _ collection: AdapterCollection) -> [[Int]] {
    let adapters = ([client] + others).map { owner in
      collection.owners.indices.filter { collection.owners[$0] == owner }
    }
    if steps == .last {
      let last = adapters.compactMap(\.last)
      return last.count == adapters.count ? [last] : []
    }
    return adapters[0].compactMap { mine in
      let row = adapters.compactMap { own in own.first { collection.steps[$0] == collection.steps[mine] } }
      return row.count == adapters.count ? row : nil
    }
  }
}

/// The change from one adapter to a later one, or from nothing.
private struct Update {
  let to: Int
  let from: Int?

  /// Its squared length; 0 if the two adapters differ only by rounding.
  func square(_ collection: AdapterCollection) -> Double {
    let square = product(self, collection)
    return square > 1e-12 * collection.innerProduct(to, to) ? square : 0
  }

  func product(_ other: Update, _ collection: AdapterCollection) -> Double {
    var product = collection.innerProduct(to, other.to)
    if let from { product -= collection.innerProduct(from, other.to) }
    if let start = other.from { product -= collection.innerProduct(to, start) }
    if let from, let start = other.from { product += collection.innerProduct(from, start) }
    return product
  }
}
