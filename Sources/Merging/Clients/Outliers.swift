import Diagnostics
import Foundation
import JSON
import Records

/// How a client stands out from the others.
package enum Peculiarity: String, Sendable, CaseIterable {
  case zero, long, short, direction, module, trajectory, copy
}

/// The evidence against a client, from its adapter alone.
package struct Suspicion: Sendable {
  package let client: String
  /// Why it stands out; usually empty.
  package let reasons: [Reason]
  /// Further remarks on a client that stands out; not reasons by themselves.
  package let remarks: [String]
  /// Its largest distance from the others, in units of the rule's bounds: above 1 it stands out. Infinite for an update of
  /// zero; nil with fewer than three clients.
  package let score: Double?

  package init(client: String, reasons: [Reason], remarks: [String], score: Double?) {
    self.client = client
    self.reasons = reasons
    self.remarks = remarks
    self.score = score
  }

  package struct Reason: Sendable, Equatable {
    package let peculiarity: Peculiarity
    package let text: String
  }

  /// Whether it ranks before another: clients that stand out first, then by distance from the others.
  func precedes(_ other: Suspicion) -> Bool {
    if reasons.isEmpty != other.reasons.isEmpty { return !reasons.isEmpty }
    let (mine, theirs) = (score ?? 0, other.score ?? 0)
    return mine != theirs ? mine > theirs : client.utf8.lexicographicallyPrecedes(other.client.utf8)
  }
}

/// The rule by which a client stands out, for three or more clients.
///
/// Each client is compared with the median of the *others*; a deviation counts if it exceeds 3 times their scaled MAD
/// (1.4826 times the median distance from the median, which is the standard deviation for a normal distribution). A client
/// stands out
///
/// - by length, if the logarithm of its norm is further than that from the median, and it is at least 3 times as long or as
///   short as the median;
/// - by direction, if the median of its cosines with the others is further than that below the median of theirs, and at
///   least 0.25 below it;
/// - in a module, if its norm there is further than that above the median, and at least 10 times the median;
/// - by trajectory, if there are clients trained on anchors, and its score is as far below the others' as for a direction.
///
/// The fixed bounds matter if the others are so similar that their MAD is close to zero, or if there are only two others. An
/// update of zero stands out for any number of clients, and so do copies (``ClientCopies``).
///
/// Clients are accused only on evidence that colluding clients cannot bend while they and one more are no more than half of all:
/// lengths do not affect directions, copies count once, and medians hold. The cosine with the mean of the others and the effect
/// of leaving a client out are reported but accuse nobody: the opposite of a client's update would incriminate that client.
package enum OutlierRule {
  package static let leastClients = 3
  package static let deviations = 3.0
  static let leastRatio = 3.0
  static let leastDrop = 0.25
  static let leastModuleRatio = 10.0

  /// The evidence against each client.
  ///
  /// - parameter trajectories: Scores against clients that were trained on anchors; nil if there are none.
  package static func suspicions(
    of figures: [ClientFigures], _ copies: ClientCopies, trajectories: [Double?]? = nil
  ) -> [Suspicion] {
    let lengths = figures.map { $0.norm > 0 ? log($0.norm) : nil }
    return figures.indices.map { index in
      let client = figures[index]
      guard client.norm > 0 else {
        return Suspicion(
          client: client.client,
          reasons: figures.count > 1 ? [.init(peculiarity: .zero, text: "its update is zero: it changes nothing")] : [],
          remarks: [], score: .infinity)
      }
      var reasons: [Suspicion.Reason] = []
      var scores: [Double] = []
      func hold(
        _ mine: Double?, _ numbers: [Double?], least: Double, _ judge: (Double, Double) -> (Peculiarity, String)?
      ) {
        let others = copies.others(of: index, near: mine) { numbers[$0] }
        guard let mine, let bounds = Bounds(others, least: least) else { return }
        let distance = bounds.distance(of: mine)
        guard let (peculiarity, text) = judge(distance, bounds.middle) else { return }
        scores.append(abs(distance))
        if abs(distance) > 1 { reasons.append(.init(peculiarity: peculiarity, text: text)) }
      }
      hold(lengths[index], lengths, least: log(leastRatio)) { distance, middle in
        let ratio = client.norm / exp(middle)
        return distance > 0
          ? (.long, "its norm is \(times(ratio)) the median of the others")
          : (.short, "the median of the others' norms is \(times(1 / ratio)) its own")
      }
      hold(client.medianCosine, figures.map(\.medianCosine), least: leastDrop) { distance, middle in
        distance > 0
          ? nil
          : (
            .direction,
            "the median of its cosines with the others is \(cosineText(client.medianCosine)), that of the others is "
              + cosineText(middle)
          )
      }
      if let trajectories {
        hold(trajectories[index], trajectories, least: leastDrop) { distance, middle in
          distance > 0
            ? nil
            : (
              .trajectory,
              "its steps agree with those of the anchors by \(cosineText(trajectories[index])), the median of the "
                + "others is \(cosineText(middle))"
            )
        }
      }
      if !reasons.contains(where: { $0.peculiarity == .long }),
        let module = client.differences.max(by: { ($0.excess, $1.module) < ($1.excess, $0.module) })
      {
        scores.append(module.excess)
        if module.excess > 1, let ratio = module.ratio {
          reasons.append(
            .init(
              peculiarity: .module, text: "in \(module.module) its norm is \(times(ratio)) the median of the others"))
        }
      }
      let twins = copies.copies(of: index).map { "'\(figures[$0].client)'" }
      if !twins.isEmpty {
        reasons.append(
          .init(
            peculiarity: .copy,
            text: "its update has the direction of \(twins.joined(separator: " and ")): one is a copy of the other"))
      }
      return Suspicion(
        client: client.client, reasons: reasons,
        remarks: reasons.allSatisfy { $0.peculiarity == .copy } ? [] : client.remarks, score: scores.max())
    }
  }

  private static func times(_ ratio: Double) -> String { "\(short((ratio * 10).rounded() / 10)) times" }
}

/// How far a number may be from others, judged by their spread; nil for fewer than two.
struct Bounds {
  let middle: Double
  private let bound: Double

  init?(_ others: [Double], least: Double) {
    guard others.count >= OutlierRule.leastClients - 1 else { return nil }
    let middle = median(others)
    self.middle = middle
    bound = max(OutlierRule.deviations * 1.4826 * median(others.map { abs($0 - middle) }), least)
  }

  /// The distance of a number from the median, in units of the bound.
  func distance(of number: Double) -> Double { (number - middle) / bound }
}

extension ClientFigures {
  /// Further remarks on a client that stands out.
  fileprivate var remarks: [String] {
    var remarks: [String] = []
    if let leavingOut, leavingOut.without - leavingOut.with >= 0.01 {
      remarks.append(
        "leaving it out takes the median of the others' cosines with the average from \(cosineText(leavingOut.with)) to "
          + cosineText(leavingOut.without))
    }
    if let most = differences.first, most.size > 1 {
      var parts: [String] = []
      if let cosine = most.cosine {
        parts.append("cosine \(cosineText(cosine)), the others \(cosineText(most.usualCosine))")
      }
      if let ratio = most.ratio { parts.append("norm \(short((ratio * 100).rounded() / 100)) times theirs") }
      remarks.append("it differs most in \(most.module): \(parts.joined(separator: "; "))")
    }
    return remarks
  }
}

extension SuspicionRecord {
  package init(_ suspicion: Suspicion, _ figures: ClientFigures) {
    self.init()
    score = suspicion.score.flatMap { $0.isFinite ? $0 : nil }
    (reasons, remarks) = (suspicion.reasons.map(\.text), suspicion.remarks)
    medianCosine = figures.medianCosine
    leavingOut = figures.leavingOut.map { left in
      var medians = Medians()
      (medians.with, medians.without) = (left.with, left.without)
      return medians
    }
  }
}

extension MergeFigures {
  /// Notes on clients that stand out or change nothing.
  package var outlierNotes: [Note] {
    guard !modules.isEmpty, modules.contains(where: { $0.energy > 0 }) else {
      return clientNotes + [.warning("the merged adapter changes nothing: all its updates are zero")]
    }
    return clientNotes
  }

  private var clientNotes: [Note] {
    guard clients.count > 1 else { return [] }
    return zip(figures, suspicions).compactMap { client, suspicion in
      guard client.norm > 0 else {
        return .warning("client '\(client.client)' changes nothing: its update is zero")
      }
      guard !suspicion.reasons.isEmpty else { return nil }
      let text = "client '\(client.client)' stands out: \(suspicion.reasons.map(\.text).joined(separator: "; "))"
      // A client that hardly moved does no harm.
      guard suspicion.reasons.map(\.peculiarity) != [.short] else { return .info(text) }
      return .warning("\(text). Check how it was trained, or leave it out: --without \(shellWord(client.client))")
    }
  }
}
