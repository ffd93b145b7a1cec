import Diagnostics
import Foundation
import Recipes
import TestSupport
import Testing

@Suite struct HostileTextTests {
  /// Nested aliases that would take ages to write out or to hash.
  let laughs =
    "a0: &a0 [x, x]\n" + (1...60).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "*a60 : 1", "? *a60\n: 1", "? - *a60\n: 1", "{*a60 : 1}: 1", "{[*a60]: 1}", "b: {? *a60 : 1}", "b: {?*a60 : 1}",
      "b: [*a60 : 1]", "b: [[*a60]: 1]", "b: [?*a60 : 1]", "b: [a, ? *a60]", "b: {{a: *a60}: 1}",
      "? &k\n  b: *a60\n: 1",
      "- ? *a60", "\"# \": {[*a60] : 1}", "b: { *a60\t: 1}", "? # why\n  *a60\n: 1", "b: {a: 1,? *a60}",
      "b: ? *a60\n   : 1", "! ? *a60", "b: {\n? *a60\n}", "b: [\"x\n# y\", {*a60 : 1}]", "b: *a60",
    ])
  func aliasesAreNoKeys(_ line: String) {
    let failure = #expect(throws: Failure.self) { try Recipe.parse(laughs + line + "\n", file: "r.yaml") }
    #expect(failure?.kind == .badRecipe)
  }

  /// Whatever happens to its bytes, a recipe is read or refused, with a place inside the text.
  @Test(.timeLimit(.minutes(2))) func survivesMutations() throws {
    var state: UInt64 = 0x5EED
    func random(below bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let seeds = try [
      "ok-everything", "ok-anchors", "ok-words-of-yaml-1.1", "list-as-key", "two-documents", "mergekit-ok-ties",
      "mergekit-ok-slerp",
    ].map {
      Array(try Data(contentsOf: URL(filePath: fixture("recipes/\($0).yaml"))))
    }
    let pieces = [
      "{", "}", "[", "]", ": ", "- ", "? ", "&a ", "*a", "!!x ", "\n", "\t", "'", "\"", "#", "|", ">", "%", "---\n",
      "~",
    ]
    var read = 0
    let rounds = Int(ProcessInfo.processInfo.environment["CLUES_MUTATIONS"] ?? "") ?? 400
    for _ in 0..<rounds {
      var bytes = seeds[random(below: seeds.count)]
      for _ in 0...random(below: 4) {
        let place = random(below: bytes.count)
        switch random(below: 4) {
        case 0: bytes[place] = UInt8(random(below: 128))
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: pieces[random(below: pieces.count)].utf8, at: place)
        default:
          let end = min(bytes.count, place + random(below: 40))
          bytes.insert(contentsOf: bytes[place..<end], at: random(below: bytes.count))
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      do {
        let recipe = try Recipe.parse(text, file: "r.yaml")
        read += 1
        #expect(try Recipe.parse(recipe.text, file: "r.yaml").text == recipe.text, "\(text)")
      } catch let failure as Failure {
        #expect(failure.kind == .badRecipe)
        if let position = failure.position {
          #expect((1...text.utf8.count + 1).contains(position.line) && position.column >= 1, "\(failure)\n\(text)")
        }
      }
    }
    #expect(read > 0)
  }
}
