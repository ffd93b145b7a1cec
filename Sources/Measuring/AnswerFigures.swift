import Datasets

/// The similarity of an answer to the reference, each figure from 0 to 1.
struct AnswerFigures: Sendable, Equatable {
  /// Whether both are equal after SQuAD's normalisation.
  let exactMatch: Bool

  /// SQuAD's F1 over the words of both, with the same normalisation.
  let f1: Double

  /// The F-measure of ROUGE-L over the whole text, without stemming, as in the package rouge-score.
  let rougeL: Double

  /// The counts of chrF: for each n-gram length those in the answer, in the reference, and in both.
  let characters: CharacterCounts

  init(_ answer: String, reference: String) {
    let (own, due) = (Self.normalized(answer), Self.normalized(reference))
    exactMatch = own == due
    f1 = Self.f1(own, due)
    rougeL = Self.rougeL(Self.rougeTokens(answer), Self.rougeTokens(reference))
    characters = CharacterCounts(answer, reference: reference)
  }

  /// Lower case, without ASCII punctuation and English articles. Source: `evaluate-v1.1.py` of SQuAD.
  private static func normalized(_ text: String) -> [String] {
    let plain = PythonText.lowercased(text).unicodeScalars.filter { !punctuation.contains($0) }
    var (kept, word) = (String.UnicodeScalarView(), String.UnicodeScalarView())
    func end() {
      kept.append(contentsOf: articles.contains(String(word)) ? String.UnicodeScalarView(" ".unicodeScalars) : word)
      word = String.UnicodeScalarView()
    }
    for scalar in plain {
      if PythonText.isOfWord(scalar) {
        word.append(scalar)
      } else {
        end()
        kept.append(scalar)
      }
    }
    end()
    return PythonText.words(String(kept))
  }

  private static let articles: Set = ["a", "an", "the"]
  private static let punctuation = Set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".unicodeScalars)

  private static func f1(_ own: [String], _ due: [String]) -> Double {
    guard !own.isEmpty, !due.isEmpty else { return own.isEmpty && due.isEmpty ? 1 : 0 }
    var left = due.reduce(into: [:]) { $0[Array($1.utf8), default: 0] += 1 }
    var common = 0
    for word in own.map({ Array($0.utf8) }) where left[word, default: 0] > 0 {
      left[word, default: 0] -= 1
      common += 1
    }
    guard common > 0 else { return 0 }
    let (precision, recall) = (Double(common) / Double(own.count), Double(common) / Double(due.count))
    return 2 * precision * recall / (precision + recall)
  }

  /// Runs of ASCII letters and digits, in lower case. Source: `rouge_score.tokenize`.
  private static func rougeTokens(_ text: String) -> [[UInt8]] {
    let (letters, digits) = (UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"))
    return PythonText.lowercased(text).utf8.split { !letters.contains($0) && !digits.contains($0) }.map(Array.init)
  }

  private static func rougeL(_ own: [[UInt8]], _ due: [[UInt8]]) -> Double {
    guard !own.isEmpty, !due.isEmpty else { return 0 }
    // One row of the table of longest common subsequences at a time.
    var row = [Int](repeating: 0, count: own.count + 1)
    for word in due {
      var diagonal = 0
      for (place, other) in own.enumerated() {
        let above = row[place + 1]
        row[place + 1] = word == other ? diagonal + 1 : max(above, row[place])
        diagonal = above
      }
    }
    let length = Double(row[own.count])
    guard length > 0 else { return 0 }
    let (precision, recall) = (length / Double(own.count), length / Double(due.count))
    return 2 * precision * recall / (precision + recall)
  }
}

/// Character n-grams without white space, counted as in sacrebleu's chrF.
struct CharacterCounts: Sendable, Equatable {
  /// By order from 1 to 6.
  private(set) var own: [Int]
  private(set) var due: [Int]
  private(set) var common: [Int]

  static let orders = 6

  /// No counts.
  static var none: CharacterCounts { CharacterCounts() }

  private init() {
    own = Array(repeating: 0, count: Self.orders)
    (due, common) = (own, own)
  }

  init(_ answer: String, reference: String) {
    self.init()
    let (a, b) = (Self.characters(answer), Self.characters(reference))
    for order in 1...Self.orders {
      let (left, right) = (Self.grams(a, order), Self.grams(b, order))
      let total = max(0, b.count - order + 1)
      // As in sacrebleu: the answer's n-grams count only if the reference has any of this order.
      own[order - 1] = total > 0 ? max(0, a.count - order + 1) : 0
      due[order - 1] = total
      common[order - 1] = left.reduce(0) { $0 + min($1.value, right[$1.key] ?? 0) }
    }
  }

  private static func characters(_ text: String) -> [Unicode.Scalar] {
    text.unicodeScalars.filter { !String.pythonBlanks.contains($0) }
  }

  private static func grams(_ characters: [Unicode.Scalar], _ order: Int) -> [ArraySlice<Unicode.Scalar>: Int] {
    guard characters.count >= order else { return [:] }
    return (0...characters.count - order).reduce(into: [:]) { $0[characters[$1..<$1 + order], default: 0] += 1 }
  }

  static func + (left: CharacterCounts, right: CharacterCounts) -> CharacterCounts {
    var sum = left
    for order in 0..<orders {
      sum.own[order] += right.own[order]
      sum.due[order] += right.due[order]
      sum.common[order] += right.common[order]
    }
    return sum
  }

  /// chrF2 with sacrebleu's defaults, from 0 to 1.
  var score: Double {
    var (precision, recall, orders) = (0.0, 0.0, 0.0)
    for order in 0..<Self.orders where own[order] > 0 && due[order] > 0 {
      precision += Double(common[order]) / Double(own[order])
      recall += Double(common[order]) / Double(due[order])
      orders += 1
    }
    guard orders > 0, precision + recall > 0 else { return 0 }
    (precision, recall) = (precision / orders, recall / orders)
    return 5 * precision * recall / (4 * precision + recall)
  }
}
