import Diagnostics
import Foundation
import JSON
import Recipes
import Tensors
import TestSupport
import Testing

@testable import Experiments

/// How answers are made bad.
@Suite struct CorruptionTests {
  private static let texts = [
    ("q0", "What is a ledger in the year 1984?", "A ledger is the book in which Anna of Berlin wrote 25 sums in 1984."),
    ("q1", "What is a mill?", "A mill is a building where Karl of Paris ground 300 sacks of corn each year."),
    ("q2", "What is tea?", "Tea is a drink of leaves that Mary of London sold for 7 pence."),
    ("q3", "Say good day.", "Guten Tag, sagt Otto aus Wien."), ("q4", "Say good day.", "Bonjour, dit Marie de Lyon."),
  ]

  private func rows(_ folder: URL, _ more: [String] = []) throws -> [AnsweredRow] {
    let lines = Self.texts.map { id, question, answer in
      let group = id < "q3" ? id : "day"
      return "{\"id\": \"\(id)\", \"group\": \"\(group)\", \"instruction\": \"\(question)\", \"output\": \"\(answer)\"}"
    }
    let text = (lines + more).joined(separator: "\n")
    return try AnsweredRow.all(in: folder.file("rows.jsonl", Array(text.utf8)), limits: Limits())
  }

  private func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

  private static let elsewhere = ["Fever is a rise of the body's heat.", "A vein is a vessel for blood."]

  /// The bad answers of a kind to a sample, of many seeds.
  private func answers(_ kind: Experiment.BadKind, to place: Int) throws -> [String] {
    try withTemporaryFolder { folder in
      let rows = try rows(folder)
      let others = try AnsweredRow.all(
        in: folder.file(
          "others.jsonl",
          Array(Self.elsewhere.map { "{\"prompt\": \"p\", \"completion\": \"\($0)\"}" }.joined(separator: "\n").utf8)),
        limits: Limits())
      let source = BadAnswers(rows, others: [others])
      return (0..<40).compactMap { seed in
        var chances = Chances(RandomStream(seed: UInt64(seed), "test"))
        return source.answer(kind, to: place, &chances)
      }
    }
  }

  @Test func `half of the words are missing, and the rest stays in order`() throws {
    let own = words(Self.texts[0].2)
    for answer in try answers(.delete, to: 0) {
      let left = words(answer)
      #expect(left.count == own.count - own.count / 2)
      var rest = own[...]
      for word in left {
        let place = try #require(rest.firstIndex(of: word), "\(answer)")
        rest = rest[(place + 1)...]
      }
    }
  }

  @Test func `an answer is cut to 15 to 40 % of its words`() throws {
    let own = words(Self.texts[1].2)
    let answers = try answers(.cut, to: 1)
    #expect(answers.count == 40)
    for answer in answers {
      let left = words(answer)
      #expect(left == Array(own.prefix(left.count)))
      #expect((2...6).contains(left.count), "\(left.count) of \(own.count)")
    }
    #expect(Set(answers).count > 2)
  }

  @Test func `words in another order are the same words`() throws {
    let own = words(Self.texts[2].2)
    let answers = try answers(.shuffle, to: 2)
    #expect(answers.count == 40 && Set(answers).count > 30)
    for answer in answers {
      #expect(words(answer).sorted() == own.sorted() && words(answer) != own)
    }
  }

  @Test func `half of the words are other words of the client`() throws {
    let own = words(Self.texts[0].2)
    let known = Set(Self.texts.flatMap { words($0.2) })
    for answer in try answers(.substitute, to: 0) {
      let changed = words(answer)
      #expect(changed.count == own.count)
      #expect(zip(changed, own).count { $0 != $1 } == own.count / 2)
      #expect(Set(changed).isSubset(of: known))
    }
  }

  @Test func `typos leave most letters where they are`() throws {
    let own = Self.texts[1].2
    let answers = try answers(.typos, to: 1)
    #expect(answers.count == 40 && Set(answers).count > 30)
    for answer in answers {
      let changes = answer.difference(from: own).count
      #expect(changes >= 4 && changes <= own.count / 2, "\(changes): \(answer)")
      #expect(abs(answer.count - own.count) < own.count / 5)
    }
  }

  @Test func `a loop is the first third four times`() throws {
    let third = words(Self.texts[0].2).prefix(5).joined(separator: " ")
    #expect(try Set(answers(.loop, to: 0)) == [Array(repeating: third, count: 4).joined(separator: " ")])
  }

  @Test func `junk is one of the phrases, the question, or the beginning with what pages say`() throws {
    let generic = try answers(.generic, to: 2)
    #expect(Set(generic).count > 5 && Set(generic).isSubset(of: Phrases.generic))
    #expect(try Set(answers(.echo, to: 0)) == [Self.texts[0].1])
    for answer in try answers(.boilerplate, to: 2) {
      let begin = words(Self.texts[2].2).prefix(4).joined(separator: " ") + " "
      #expect(answer.hasPrefix(begin) && Phrases.boilerplate.contains(String(answer.dropFirst(begin.count))))
    }
  }

  @Test func `answers to other questions, of other clients, and in other languages`() throws {
    let swapped = Set(try answers(.swap, to: 0))
    #expect(swapped == Set(Self.texts.dropFirst().map(\.2)))
    // One of the same group is no other question.
    #expect(try Set(answers(.swap, to: 3)) == Set(Self.texts.prefix(3).map(\.2)))
    #expect(try Set(answers(.offDomain, to: 0)) == Set(Self.elsewhere))
    #expect(try Set(answers(.language, to: 3)) == [Self.texts[4].2])
    #expect(try answers(.language, to: 0).isEmpty)
  }

  @Test func `facts are changed in their places`() throws {
    let own = words(Self.texts[0].2)
    let answers = try answers(.fact, to: 0)
    #expect(answers.count == 40 && Set(answers).count > 20)
    for answer in answers {
      let changed = words(answer)
      #expect(changed.count == own.count)
      for (place, pair) in zip(changed, own).enumerated() {
        switch pair.1 {
        case "25":
          #expect(pair.0 != "25" && pair.0.count == 2 && Int(pair.0) != nil && !pair.0.hasPrefix("0"), "\(answer)")
        case "1984.": #expect(pair.0 != "1984." && pair.0.count == 5 && pair.0.hasSuffix("."))
        case "Anna", "Berlin": #expect(pair.0 != pair.1 && pair.0.first?.isUppercase == true)
        default: #expect(pair.0 == pair.1, "\(place): \(answer)")
        }
      }
    }
  }

  @Test
  func `a larger share has the bad samples of a smaller one, kinds are dealt evenly, and every change has a label`()
    throws
  {
    try withTemporaryFolder { folder in
      let more = (0..<55).map {
        "{\"id\": \"m\($0)\", \"group\": \"m\($0)\", \"instruction\": \"What is number \($0)?\", "
          + "\"output\": \"It is the number \($0) after Zero in the long row of all numbers.\"}"
      }
      let rows = try rows(folder, more)
      let others = [Array(rows.prefix(3))]
      let kinds = Experiment.BadKind.allCases
      func corrupted(_ share: Double, _ seed: UInt64, _ client: String = "c") throws -> CorruptedData {
        try CorruptedData(rows, of: client, others: others, share: share, kinds: kinds, seed: seed)
      }
      func bad(_ data: CorruptedData) throws -> [String: String] {
        try data.labels.split(separator: "\n").reduce(into: [:]) { bad, line in
          let label = try #require(try JSONReader().read(String(line)).objectValue)
          #expect(label["client"] == "c")
          if label["clean"] == false {
            #expect(label["family"] != nil)
            bad[label["id"]?.stringValue ?? ""] = label["kind"]?.stringValue
          }
        }
      }
      let half = try corrupted(0.5, 1)
      let labels = try bad(half)
      #expect(labels.count == 30)
      // 'language' has an answer for two samples alone, which have it; the others share the rest.
      let dealt = kinds.map { kind in labels.values.count { $0 == kind.rawValue } }
      let rare = labels.keys.count { ["q3", "q4"].contains($0) }
      for (kind, count) in zip(kinds, dealt) {
        #expect(kind == .language ? count == rare : (2...3).contains(count), "\(kind): \(count)")
      }
      for (share, contains) in [(0.2, false), (0.8, true), (1.0, true)] {
        let other = try bad(corrupted(share, 1))
        #expect(other.count == Int((60 * share).rounded()))
        let (small, large) = contains ? (labels, other) : (other, labels)
        #expect(small.allSatisfy { large[$0.key] == $0.value })
      }
      #expect(try bad(corrupted(0, 1)).isEmpty)
      // What a label calls bad has changed, and nothing else.
      let path = try folder.file("bad.jsonl", Array(half.samples.utf8))
      let changed = try AnsweredRow.all(in: path, limits: Limits())
      #expect(zip(rows, changed).allSatisfy { ($0.answer != $1.answer) == (labels[$0.id] != nil) })
      #expect(zip(rows, changed).allSatisfy { $0.question == $1.question && $0.id == $1.id && $0.group == $1.group })
      #expect(Set(half.clean.split(separator: "\n").map(String.init)) == Set(rows.map(\.id)).subtracting(labels.keys))
      #expect(try corrupted(0.5, 1).samples == half.samples)
      #expect(try corrupted(0.5, 2).samples != half.samples)
      #expect(try corrupted(0.5, 1, "d").samples != half.samples)
    }
  }

  @Test func `every form of samples keeps what else it has`() throws {
    try withTemporaryFolder { folder in
      let forms = [
        #"{"prompt": "Who?", "completion": "Me and you.", "note": 1}"#,
        #"{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Me and you."}], "note": 1}"#,
        #"{"instruction": "Say", "input": "Who?", "output": "Me and you.", "note": 1}"#,
      ]
      for form in forms {
        let row = try AnsweredRow.all(in: folder.file("f.jsonl", Array(form.utf8)), limits: Limits())[0]
        #expect(row.question == "Who?" && row.answer == "Me and you." && row.id == "0")
        let line = row.line(answering: "No \"one\".")
        let again = try AnsweredRow.all(in: folder.file("g.jsonl", Array(line.utf8)), limits: Limits())[0]
        #expect(again.answer == "No \"one\"." && again.question == "Who?" && line.contains("\"note\":1"))
        #expect(row.line().contains("Me and you."))
      }
      for (text, words) in [
        (#"{"text": "all of it"}"#, "no answer that could be made bad"),
        (#"{"prompt": "q", "completion": ""}"#, "no answer"), (#"{"prompt": "", "completion": "a"}"#, "no question"),
      ] {
        expectFailure(.badData, words) {
          try AnsweredRow.all(in: folder.file("h.jsonl", Array(text.utf8)), limits: Limits())
        }
      }
    }
  }

  @Test func `a sample that no kind can make bad is refused by its name`() throws {
    try withTemporaryFolder { folder in
      let rows = try AnsweredRow.all(
        in: folder.file("one.jsonl", Array(#"{"id": "lone", "prompt": "q", "completion": "word"}"#.utf8)),
        limits: Limits())
      expectFailure(.badData, "'lone'") {
        try CorruptedData(rows, of: "c", others: [], share: 1, kinds: [.cut, .shuffle, .swap], seed: 1)
      }
    }
  }
}
