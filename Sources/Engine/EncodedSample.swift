/// A sample as the model sees it: token ids, and which of them are learned.
package struct EncodedSample: Sendable, Equatable {
  /// Vocabulary ids.
  package let tokens: [Int32]

  /// For each token its own id if it is learned, otherwise ``unlearned``; each is predicted from the tokens before it.
  package let labels: [Int32]

  /// The label of a token that is not learned, as in PyTorch.
  package static let unlearned: Int32 = -100

  package init(tokens: [Int32], labels: [Int32]) {
    self.tokens = tokens
    self.labels = labels
  }

  /// The indices of the learned tokens. Nothing precedes the first token, so it is never among them.
  var learned: [Int] { labels.indices.dropFirst().filter { labels[$0] != Self.unlearned } }

  /// Why a model of this shape cannot measure the sample; nil if it can.
  package func fault(for vocabulary: Int, maximumLength: Int) -> String? {
    if tokens.count != labels.count { return "it has \(tokens.count) tokens but \(labels.count) labels" }
    if tokens.count > maximumLength {
      return "it has \(tokens.count) tokens, but the model takes at most \(maximumLength)"
    }
    if let token = tokens.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      return "it has the token \(token), but the model's vocabulary ends at \(vocabulary - 1)"
    }
    if let label = labels.first(where: { $0 != Self.unlearned && ($0 < 0 || Int($0) >= vocabulary) }) {
      return "it has the label \(label), but the model's vocabulary ends at \(vocabulary - 1)"
    }
    return labels.dropFirst().contains { $0 != Self.unlearned } ? nil : "it has no token to learn after its first one"
  }
}

/// The model's loss on a sample.
package enum SampleLoss: Sendable, Equatable {
  /// The mean loss in nats over the labels, and their number.
  case measured(loss: Double, tokens: Int)

  /// Why there is none.
  case unmeasured(reason: String)

  /// The mean loss, if there is one.
  package var value: Double? { if case .measured(let loss, _) = self { loss } else { nil } }

  /// The number of tokens in the mean; 0 if there is none.
  package var tokens: Int { if case .measured(_, let tokens) = self { tokens } else { 0 } }

  /// Why there is none.
  package var reason: String? { if case .unmeasured(let reason) = self { reason } else { nil } }
}
