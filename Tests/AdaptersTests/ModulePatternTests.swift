import Diagnostics
import JSON
import Tensors
import TestSupport
import Testing

@testable import Adapters

@Suite struct ModulePatternTests {
  @Test func agreesWithPython() throws {
    let table = try Bytes(mapping: fixture("patterns/cases.json")).withUnsafeBytes { try JSONReader().read($0) }
    let modules = try #require(table.objectValue?["modules"]?.arrayValue).compactMap(\.stringValue)
    let cases = try #require(table.objectValue?["cases"]?.arrayValue).compactMap(\.objectValue)
    #expect(cases.count > 80)
    for entry in cases {
      let key = try #require(entry["key"]?.stringValue)
      guard let expected = entry["matches"]?.arrayValue?.compactMap(\.stringValue) else {
        #expect(throws: Failure.self, "Python refuses '\(key)'") { try ModulePattern(key) }
        continue
      }
      let pattern = try ModulePattern(key)
      #expect(modules.filter(pattern.matches) == expected, "\(key)")
    }
  }

  @Test(arguments: [
    ("a*?", "uses lazy or possessive repetition"), ("a{2}+", "uses lazy or possessive repetition"),
    ("(?i)a", "uses an unsupported kind of group"), ("(?=a)", "uses an unsupported kind of group"),
    (#"\b"#, #"uses the escape \b"#), (#"(a)\1"#, #"uses the escape \1"#), (#"\Z"#, #"uses the escape \Z"#),
    ("a{x}", "has an unsupported repetition"), ("a{2", "has an unsupported repetition"),
    ("a{1001}", "has too many repetitions"), ("a{3,2}", "has too many repetitions"),
    ("a)", "has an unmatched closing parenthesis"), ("[a", "has an unclosed class"),
    (#"[a-\d]"#, "has a class with an invalid range"), ("^+", "repeats nothing"),
    ("a**", "repeats a repetition"),
  ])
  func refusesWhatItDoesNotUnderstand(_ text: String, _ reason: String) {
    let failure = #expect(throws: Failure.self) { try ModulePattern(text) }
    #expect(failure?.message == "the pattern '\(text)' \(reason)")
    #expect(failure?.kind == .badData)
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["(a+)+", "(a|aa)+", "(a*)*b", "(.*a){20}", "(a?){50}a{50}"])
  func noPatternRunsAway(_ text: String) throws {
    let pattern = try ModulePattern(text)
    #expect(!pattern.matches(String(repeating: "a", count: 20_000) + "!"))
    #expect(!pattern.matches(String(repeating: "a.", count: 10_000) + "!"))
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["|", "*", "(", "()", "a", "(a|", "a?", "[", "a{1000}", "((a{9}){9}){9}"])
  func hugePatternsAreRefused(_ part: String) {
    let text = String(repeating: part, count: 1_000_000 / part.count)
    expectFailure(.badData, "bytes is too large") { try ModulePattern(text) }
  }

  @Test func theLargestPatternWorks() throws {
    let name = String(repeating: "a", count: 4096)
    #expect(try ModulePattern(name).matches("model." + name))
    #expect(try ModulePattern("(a|b){1000}").matches(String(repeating: "ab", count: 500)))
    expectFailure(.badData, "bytes is too large") { try ModulePattern(name + "a") }
    let nested = String(repeating: "(", count: 32) + "a" + String(repeating: ")", count: 32)
    #expect(try ModulePattern(nested).matches("a"))
  }

  @Test func namingMatchesOneModule() throws {
    let names = ["model.layers.0.q", "odd-name+[1]{2}.(q)|x^$?*\\", "层.注意力", ""]
    for name in names {
      let pattern = try ModulePattern(ModulePattern.naming(name))
      #expect(pattern.matches(name))
      #expect(!pattern.matches("encoder." + name))
      #expect(!pattern.matches(name + "x"))
    }
    #expect(try !ModulePattern(ModulePattern.naming("layers.1.q")).matches("layers:1:q"))
  }
}
