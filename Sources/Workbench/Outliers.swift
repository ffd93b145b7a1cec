import Foundation

/// In what a client stands out from the others.
public enum Peculiarity: String, Sendable, CaseIterable {
  case long, short, direction
}

/// The rule by which a client is said to stand out, from three clients on.
///
/// Each client is held against the median of the *others*, and against how far these lie apart: 3 times their scaled MAD
/// (1.4826 times the median distance from the median, which is the standard deviation of normal numbers). A client stands out
///
/// - by length, where the logarithm of its norm is further from the median than that, and it is at least 3 times as long or
///   as short as the median;
/// - by direction, where its cosine with the mean of the others is further below the median than that, and at least 0.25
///   below it.
///
/// The fixed bounds are what counts where the others are so alike that their MAD is next to nothing, or where they are two.
enum OutlierRule {
  static let leastClients = 3
  static let deviations = 3.0
  static let leastRatio = 3.0
  static let leastDrop = 0.25

  /// What is peculiar about each client; empty for most.
  static func peculiarities(of figures: [ClientFigures]) -> [[Peculiarity]] {
    let lengths = figures.map { $0.norm > 0 ? log($0.norm) : nil }
    let directions = figures.map(\.cosineWithOthers)
    return figures.indices.map { place in
      var found: [Peculiarity] = []
      if let mine = lengths[place], let bounds = Bounds(without: place, lengths, least: log(leastRatio)) {
        if mine > bounds.upper { found.append(.long) }
        if mine < bounds.lower { found.append(.short) }
      }
      if let mine = directions[place], let bounds = Bounds(without: place, directions, least: leastDrop),
        mine < bounds.lower
      {
        found.append(.direction)
      }
      return found
    }
  }

  /// How far a client's number may be from those of the others.
  private struct Bounds {
    let lower: Double
    let upper: Double

    /// nil for fewer than two others.
    init?(without place: Int, _ numbers: [Double?], least: Double) {
      let others = numbers.enumerated().compactMap { $0.offset == place ? nil : $0.element }
      guard others.count >= leastClients - 1 else { return nil }
      let middle = median(others)
      let distance = max(deviations * 1.4826 * median(others.map { abs($0 - middle) }), least)
      (lower, upper) = (middle - distance, middle + distance)
    }
  }
}

/// The middle one of some numbers, of which there is at least one.
private func median(_ numbers: [Double]) -> Double {
  let sorted = numbers.sorted()
  let half = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

extension RunRecord.Merge {
  /// What is to be said of clients that stand out, and of such that change nothing.
  var outlierNotes: [Note] {
    guard !modules.isEmpty, modules.contains(where: { $0.energy > 0 }) else {
      return clientNotes + [.warning("the merged adapter changes nothing: all its updates are zero")]
    }
    return clientNotes
  }

  private var clientNotes: [Note] {
    guard clients.count > 1 else { return [] }
    return figures.indices.compactMap { place in
      let client = figures[place]
      guard client.norm > 0 else {
        return .warning("client '\(client.client)' changes nothing: its update is zero")
      }
      let facts = peculiarities[place].map {
        describe($0, of: client, beside: figures.filter { $0.client != client.client })
      }
      guard !facts.isEmpty else { return nil }
      let text = "client '\(client.client)' stands out: \(facts.joined(separator: "; "))"
      // One that hardly moved spoils nothing.
      guard peculiarities[place] != [.short] else { return .info(text) }
      return .warning("\(text). Look at how it was trained, or leave it out: --without \(shellWord(client.client))")
    }
  }

  private func describe(_ peculiarity: Peculiarity, of client: ClientFigures, beside others: [ClientFigures]) -> String
  {
    let norm = median(others.map(\.norm).filter { $0 > 0 })
    func times(_ ratio: Double) -> String { "\(short((ratio * 10).rounded() / 10)) times" }
    switch peculiarity {
    case .long: return "its norm is \(times(client.norm / norm)) the median of the others"
    case .short: return "the median of the others' norms is \(times(norm / client.norm)) its own"
    case .direction:
      let cosine = median(others.compactMap(\.cosineWithOthers))
      return
        "its cosine with the mean of the others is \(cosineText(client.cosineWithOthers)), where the median of the "
        + "others' is \(cosineText(cosine))"
    }
  }
}

/// A name as a shell takes it.
func shellWord(_ name: String) -> String {
  let isPlain = name.unicodeScalars.allSatisfy {
    $0.properties.isAlphabetic || ("0"..."9").contains($0) || "._-+@%".unicodeScalars.contains($0)
  }
  return isPlain && !name.hasPrefix("-") ? name : "'\(name.replacing("'", with: "'\\''"))'"
}
