extension Experiment {
  /// A way to make an answer bad.
  package enum BadKind: String, Choice {
    case delete, cut, shuffle, substitute, typos
    case loop, generic, echo, boilerplate
    case swap
    case offDomain = "off-domain"
    case language, fact

    package var meaning: String {
      switch self {
      case .delete: "half of the words are missing"
      case .cut: "it ends after 15 to 40 % of its words"
      case .shuffle: "its words are in another order"
      case .substitute: "half of the words are other words of the client"
      case .typos: "18 % of the letters are wrong, missing, doubled or out of place"
      case .loop: "its first third, four times"
      case .generic: "an answer that would fit any question and says nothing"
      case .echo: "the question once more"
      case .boilerplate: "after a third it goes on as pages on the web do"
      case .swap: "the answer to another question of the client"
      case .offDomain: "an answer of another client"
      case .language: "the answer in another language, from a sample of the same group"
      case .fact: "its numbers and names are others"
      }
    }

    /// What goes wrong, by and large.
    package var family: Family {
      switch self {
      case .delete, .cut, .shuffle, .substitute, .typos: .broken
      case .loop, .generic, .echo, .boilerplate: .junk
      case .swap, .offDomain, .language, .fact: .wrong
      }
    }
  }

  /// Kinds of one nature.
  package enum Family: String, Sendable, CaseIterable {
    /// Text that no language model would write.
    case broken
    /// Text that a language model likes, and that says nothing.
    case junk
    /// Text that reads well and is wrong.
    case wrong
  }
}
