import JSON
import Tensors
import TestSupport
import Testing

@testable import Measuring

/// Figures of answers against the programs that define them (Tests/Fixtures/measure/make.py).
@Suite struct FigureTests {
  private static let oracle: JSONObject = {
    let bytes = try! Bytes(mapping: fixture("measure/figures.json"))
    return try! bytes.withUnsafeBytes { try JSONReader().read($0) }.objectValue!
  }()

  private static let pairs = oracle["pairs"]!.arrayValue!.map { $0.objectValue! }

  @Test(arguments: pairs.indices) func figuresAreThoseOfTheirPrograms(_ place: Int) throws {
    let pair = Self.pairs[place]
    let (answer, reference) = (try #require(pair["answer"]?.stringValue), try #require(pair["reference"]?.stringValue))
    let found = AnswerFigures(answer, reference: reference)
    #expect(found.exactMatch == pair["exact_match"]?.boolValue, "\(pair)")
    for (key, value) in [("f1", found.f1), ("rouge_l", found.rougeL), ("chrf", found.characters.score)] {
      let due = try #require(pair[key]?.doubleValue)
      #expect(abs(value - due) < 1e-12, "\(key) of \(answer) and \(reference): \(value), \(due)")
    }
  }

  @Test func chrFOfAllAddsCounts() throws {
    let all = try Self.pairs.reduce(CharacterCounts.none) { sum, pair in
      sum + CharacterCounts(try #require(pair["answer"]?.stringValue), reference: pair["reference"]?.stringValue ?? "")
    }
    #expect(abs(all.score - (try #require(Self.oracle["corpus"]?.doubleValue))) < 1e-12)
    #expect(CharacterCounts.none.score == 0)
  }
}
