/// A sample as the model sees it: token ids, and which of them are learned.
package struct EncodedSample: Sendable, Equatable {
  /// Ids of the vocabulary.
  package let tokens: [Int32]

  /// By token its own id where it is learned, ``unlearned`` where not; each is predicted from the tokens before it.
  package let labels: [Int32]

  /// What stands for a label that is not learned, as in PyTorch.
  package static let unlearned: Int32 = -100

  package init(tokens: [Int32], labels: [Int32]) {
    self.tokens = tokens
    self.labels = labels
  }

  /// The places whose tokens are learned. Nothing stands before the first token, so that it never is.
  var learned: [Int] { labels.indices.dropFirst().filter { labels[$0] != Self.unlearned } }

  /// Why a model of this shape cannot measure the sample; nil if it can.
  package func fault(for vocabulary: Int, maximumLength: Int) -> String? {
    if tokens.count != labels.count { return "it has \(tokens.count) tokens but \(labels.count) labels" }
    if tokens.count > maximumLength {
      return "it has \(tokens.count) tokens, and the model takes \(maximumLength) at the most"
    }
    if let token = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      return "it has the token \(token), and the model's vocabulary ends at \(vocabulary - 1)"
    }
    if let label = labels.first(where: { $0 != Self.unlearned && ($0 < 0 || Int($0) >= vocabulary) }) {
      return "it has the label \(label), and the model's vocabulary ends at \(vocabulary - 1)"
    }
    return labels.dropFirst().contains { $0 != Self.unlearned } ? nil : "none of its tokens after the first is learned"
  }
}

/// What a model makes of a sample.
package enum SampleLoss: Sendable, Equatable {
  /// The mean loss in nats over the labels, and how many these are.
  case measured(loss: Double, tokens: Int)

  /// Why there is none.
  case unmeasured(reason: String)

  /// The mean loss, where there is one.
  package var value: Double? { if case .measured(let loss, _) = self { loss } else { nil } }

  /// How many tokens it is the mean over; 0 where there is none.
  package var tokens: Int { if case .measured(_, let tokens) = self { tokens } else { 0 } }

  /// Why there is none.
  package var reason: String? { if case .unmeasured(let reason) = self { reason } else { nil } }
}
