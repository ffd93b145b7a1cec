import Recipes
import Tensors

/// What answers are made bad with: the clients' own samples.
struct BadAnswers: Sendable {
  private let rows: [AnsweredRow]
  private let answersElsewhere: [String]
  /// The words of all answers, each once, and the names among them.
  private let words: [String]
  private let names: [String]
  /// The places of the samples of each group.
  private let groups: [String: [Int]]

  /// - parameter others: The samples of the other clients.
  init(_ rows: [AnsweredRow], others: [[AnsweredRow]]) {
    self.rows = rows
    answersElsewhere = others.flatMap { $0.map(\.answer) }
    let texts = rows.map { Self.words($0.answer) }
    words = Set(texts.joined()).sorted()
    names = Set(texts.flatMap { text in Self.names(text).map { Self.bare(text[$0]) } }).sorted()
    groups = rows.indices.reduce(into: [:]) { groups, place in
      if let group = rows[place].group { groups[group, default: []].append(place) }
    }
  }

  /// A bad answer of this kind to the sample; nil where there is none that differs from the good one.
  func answer(_ kind: Experiment.BadKind, to place: Int, _ chances: inout Chances) -> String? {
    let row = rows[place]
    let bad = bad(kind, row, place, &chances)
    return bad.flatMap { $0 == row.answer || $0.isEmpty ? nil : $0 }
  }

  private func bad(_ kind: Experiment.BadKind, _ row: AnsweredRow, _ place: Int, _ chances: inout Chances) -> String? {
    let own = Self.words(row.answer)
    switch kind {
    case .delete:
      guard own.count > 1 else { return nil }
      let kept = chances.order(own.count).prefix(own.count - max(1, own.count / 2)).sorted()
      return Self.text(kept.map { own[$0] })
    case .cut:
      let count = max(1, Int((Double(own.count) * (0.15 + 0.25 * chances.share())).rounded()))
      return count < own.count ? Self.text(own.prefix(count)) : nil
    case .shuffle:
      guard own.count > 1 else { return nil }
      let shuffled = chances.order(own.count).map { own[$0] }
      return Self.text(shuffled == own ? Array(own.dropFirst() + own.prefix(1)) : shuffled)
    case .substitute: return substituted(own, &chances)
    case .typos: return Self.mistyped(row.answer, &chances)
    case .loop:
      let part = Self.text(own.prefix(max(1, own.count / 3)))
      return Array(repeating: part, count: 4).joined(separator: " ")
    case .generic: return chances.one(of: Phrases.generic)
    case .echo: return row.question
    case .boilerplate:
      let part = own.prefix(max(1, own.count / 3))
      return Self.text(part) + " " + chances.one(of: Phrases.boilerplate)
    case .swap:
      return Self.one(of: rows.indices, &chances) { other in
        other != place && rows[other].answer != row.answer && (row.group == nil || rows[other].group != row.group)
      }.map { rows[$0].answer }
    case .offDomain: return answersElsewhere.isEmpty ? nil : chances.one(of: answersElsewhere)
    case .language:
      let same = row.group.flatMap { groups[$0] } ?? []
      return Self.one(of: same, &chances) { rows[$0].answer != row.answer }.map { rows[$0].answer }
    case .fact: return misled(row.answer, own, &chances)
    }
  }

  private func substituted(_ own: [String], _ chances: inout Chances) -> String? {
    var changed = own
    for place in chances.order(own.count).prefix(max(1, own.count / 2)) {
      guard let other = Self.one(of: words, &chances, where: { $0 != own[place] }) else { return nil }
      changed[place] = other
    }
    return Self.text(changed)
  }

  private static func mistyped(_ text: String, _ chances: inout Chances) -> String? {
    let letters = Array(text)
    let places = letters.indices.filter { letters[$0].isLetter }
    guard !places.isEmpty else { return nil }
    let count = max(1, Int((Double(places.count) * 0.18).rounded()))
    let chosen = chances.order(places.count).prefix(count).map { places[$0] }
    let isChosen = chosen.reduce(into: [Bool](repeating: false, count: letters.count)) { $0[$1] = true }
    var typed = ""
    var place = 0
    while place < letters.count {
      let letter = letters[place]
      place += 1
      guard isChosen[place - 1] else {
        typed.append(letter)
        continue
      }
      switch chances.below(4) {
      case 0 where letters.count > 1: break
      case 1: typed += [letter, letter]
      case 2 where place < letters.count && letters[place].isLetter:
        typed += [letters[place], letter]
        place += 1
      default: typed += Self.one(of: Phrases.letters, &chances) { $0 != "\(letter)" } ?? ""
      }
    }
    return typed
  }

  /// Every number is another one of as many digits, and every name that of another answer.
  private func misled(_ text: String, _ own: [String], _ chances: inout Chances) -> String? {
    var changed: [Character] = []
    for character in text {
      guard character.isASCII, let digit = character.wholeNumberValue else {
        changed.append(character)
        continue
      }
      // 1 to 9 further on, so another digit; not 0 in front.
      let isFirst = !(changed.last?.isNumber ?? false)
      var other = (digit + 1 + chances.below(9)) % 10
      if isFirst, other == 0 { other = digit == 1 ? 2 : 1 }
      changed.append(Character("\(other)"))
    }
    var words = Self.words(String(changed))
    guard words.count == own.count else { return nil }
    for place in Self.names(own) {
      let name = Self.bare(own[place])
      guard let other = Self.one(of: names, &chances, where: { $0 != name }) else { continue }
      words[place] = own[place].replacing(name, with: other, maxReplacements: 1)
    }
    return words == own ? nil : Self.text(words)
  }

  /// The first that fits, from somewhere on.
  private static func one<Elements: RandomAccessCollection>(
    of elements: Elements, _ chances: inout Chances, where fits: (Elements.Element) -> Bool
  ) -> Elements.Element? where Elements.Index == Int {
    guard !elements.isEmpty else { return nil }
    let start = chances.below(elements.count)
    return elements[(elements.startIndex + start)...].first(where: fits)
      ?? elements[..<(elements.startIndex + start)].first(where: fits)
  }

  private static func words(_ text: String) -> [String] { text.split(whereSeparator: \.isWhitespace).map(String.init) }

  private static func text(_ words: some Sequence<String>) -> String { words.joined(separator: " ") }

  /// The places of words that begin with a capital within a sentence.
  private static func names(_ words: [String]) -> [Int] {
    words.indices.dropFirst().filter { place in
      let name = bare(words[place])
      let before = words[place - 1].last
      return name.count > 1 && name.first?.isUppercase == true && !".!?:;".contains(before ?? ".")
    }
  }

  /// The word without the marks around it.
  private static func bare(_ word: String) -> String {
    let start = word.firstIndex { $0.isLetter || $0.isNumber } ?? word.endIndex
    let end = word.lastIndex { $0.isLetter || $0.isNumber }.map(word.index(after:)) ?? start
    return String(word[start..<max(start, end)])
  }
}
