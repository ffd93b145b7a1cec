import Diagnostics
import Testing

/// Names that Unicode takes for one though their bytes differ.
@Suite struct SpellingTests {
  @Test func twoSpellingsAreFoundAtAnyDepth() throws {
    let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
    // Swift takes them for one, which is why they must be looked for.
    #expect(composed == decomposed)
    #expect(twoSpellings(among: [composed, "x", composed]) == nil)
    #expect(twoSpellings(among: ["K", "k", "a.b", "a.b.c"], dividedBy: ".") == nil)
    let whole = try #require(twoSpellings(among: [composed, decomposed]))
    #expect(escaped(whole.first) == "caf\\u{e9}" && escaped(whole.second) == "cafe\\u{301}")
    let above = try #require(twoSpellings(among: ["m.\(decomposed).a", "m.\(composed).b"], dividedBy: "."))
    #expect(escaped(above.first) == "m.cafe\\u{301}" && escaped(above.second) == "m.caf\\u{e9}")
    #expect(twoSpellings(among: ["m.\(decomposed).a", "m.\(composed).b"]) == nil)
    // The sign for kelvin is the letter K.
    #expect(twoSpellings(among: ["\u{212A}", "K"]) != nil)
  }
}
