import Diagnostics
import Testing

@Suite struct PageLayoutTests {
  @Test(arguments: [20, 40, 80]) func `prose is broken at spaces and loses nothing`(_ columns: Int) {
    let text = "Trims each update, elects a sign for every entry and averages the clients that agree with it."
    let lines = wrapped(text, to: columns).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= columns })
    #expect(lines.joined(separator: " ") == text)
  }

  @Test func `further lines stand under the text of the first`() {
    #expect(
      wrapped("1. one two three\n  key   a long explanation\n\nend", to: 16) == """
        1. one two three
          key   a long
                explanation

        end
        """)
    #expect(wrapped("a-word-that-is-longer-than-the-page", to: 10) == "a-word-that-is-longer-than-the-page")
  }

  @Test func `names are shortened in the middle, and visibly`() {
    #expect(shortened("hospital-of-the-north", to: 21) == "hospital-of-the-north")
    #expect(shortened("hospital-of-the-north", to: 11) == "hospi…north")
    #expect(shortened("病院の北側のクライアント", to: 9) == "病院…ント")
    #expect(displayWidth(shortened("病院の北側のクライアント", to: 9)) <= 9)
    #expect(shortened("abc", to: 1) == "…")
  }

  @Test func `facts line up`() {
    var facts = Facts()
    facts.add("rank", "8")
    facts.add("modules", "60: q_proj, v_proj, k_proj")
    #expect(
      facts.text(columns: 24) == """
        rank     8
        modules  60: q_proj,
                 v_proj, k_proj
        """)
  }
}

@Suite struct FailuresTests {
  @Test func `all that is wrong is told in the order of the file`() throws {
    var failures = Failures()
    let results = try failures.map([3, 1, 2]) { line -> Int in
      if line == 2 { return line }
      throw Failure(.badRecipe, "wrong", position: .init(line: line, column: 1))
    }
    #expect(results == [2] && !failures.isEmpty)
    let failure = try #require(throws: Failure.self) { try locating(file: "r.yaml") { try failures.throwIfAny() } }
    #expect(failure.description == "r.yaml:1:1: error: wrong\nr.yaml:3:1: error: wrong")
    #expect(failure.all.count == 2)
  }

  @Test func `nothing wrong is nothing thrown`() throws {
    var failures = Failures()
    #expect(try failures.attempt { 1 } == 1)
    try failures.throwIfAny()
  }
}
