import PluginKit

/// A score for every client, from adapters alone: does it move the way a client does that was trained on anchors?
struct Trajectory: ClientScorer {
  static let id = "trajectory"
  static let summary = "How a client's updates between checkpoints agree with those of an adapter trained on anchors."
  static let details = """
    With u_j the change of a client's ΔW between the j-th and the previous of the steps that it shares with the anchor \
    client (before the first step ΔW is zero) and a_j the anchor client's:

        S = mean over j of cos(u_j, a_j)          compare: cosine
        S = Σ over j of ⟨u_j, a_j⟩                compare: inner-product

    steps: last compares the last adapters only, whatever their steps. With several anchor clients the score is the \
    mean over them; an anchor client is compared with the others.
    """
  static let reference = "The idea of CLUES, applied to the clients' updates instead of their samples"

  enum Compare: String, ParameterChoice {
    case cosine
    case innerProduct = "inner-product"
  }
  enum Steps: String, ParameterChoice { case shared, last }

  @Parameter("Whether directions alone count, or lengths too.") var compare = Compare.cosine
  @Parameter("Updates between the steps that both have, or the last adapters.") var steps = Steps.shared

  func scores(_ collection: Collection) throws -> [Score] {
    let anchors = collection.clients.indices.filter { collection.anchors[$0] }
    guard !anchors.isEmpty else {
      throw PluginError("no client was trained on anchor data, so there is nothing to compare the clients with")
    }
    return collection.clients.indices.map { client in
      let others = anchors.filter { $0 != client }
      guard !others.isEmpty else { return .unscored("it is the only client trained on anchor data") }
      var sum = 0.0
      for anchor in others {
        do throws(Unscorable) {
          sum += try agreement(client, anchor, collection)
        } catch {
          return .unscored(error.reason)
        }
      }
      return .value(sum / Double(others.count))
    }
  }

  private func agreement(_ client: Int, _ anchor: Int, _ collection: Collection) throws(Unscorable) -> Double {
    let pairs = pairs(client, anchor, collection)
    let name = collection.clients[anchor]
    guard !pairs.isEmpty else {
      throw Unscorable("it shares no checkpoint step with '\(name)'; steps: last would compare the last adapters")
    }
    var sum = 0.0
    for (place, pair) in pairs.enumerated() {
      let previous = place > 0 ? pairs[place - 1] : nil
      let mine = Update(to: pair.0, from: previous?.0)
      let its = Update(to: pair.1, from: previous?.1)
      let product = mine.product(its, collection)
      if compare == .innerProduct {
        sum += product
        continue
      }
      let squares = (mine.product(mine, collection), its.product(its, collection))
      let step = collection.steps[pair.0]
      guard squares.0 > 0 else { throw Unscorable("its adapter does not change before step \(step)") }
      guard squares.1 > 0 else { throw Unscorable("the adapter of '\(name)' does not change before step \(step)") }
      sum += product / (squares.0.squareRoot() * squares.1.squareRoot())
    }
    sum = compare == .cosine ? sum / Double(pairs.count) : sum
    guard sum.isFinite else { throw Unscorable("its score is not a finite number") }
    return sum
  }

  /// The adapters that are compared: those of the client and of the anchor client, in step order.
  private func pairs(_ client: Int, _ anchor: Int, _ collection: Collection) -> [(Int, Int)] {
    let mine = collection.owners.indices.filter { collection.owners[$0] == client }
    let its = collection.owners.indices.filter { collection.owners[$0] == anchor }
    if steps == .last {
      guard let mine = mine.last, let its = its.last else { return [] }
      return [(mine, its)]
    }
    return mine.compactMap { adapter in
      its.first { collection.steps[$0] == collection.steps[adapter] }.map { (adapter, $0) }
    }
  }
}

/// The change from one adapter to a later one, or from nothing.
private struct Update {
  let to: Int
  let from: Int?

  func product(_ other: Update, _ collection: Collection) -> Double {
    var product = collection.innerProduct(to, other.to)
    if let from { product -= collection.innerProduct(from, other.to) }
    if let start = other.from { product -= collection.innerProduct(to, start) }
    if let from, let start = other.from { product += collection.innerProduct(from, start) }
    return product
  }
}
