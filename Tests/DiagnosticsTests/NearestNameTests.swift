import Diagnostics
import Testing

@Suite struct NearestNameTests {
  @Test(arguments: [
    ("densty", "density"), ("DENSITY", "density"), ("desnity", "density"), ("lamda", "lambda"), ("lambdas", "lambda"),
    ("x", nil), ("weights", nil), ("", nil),
  ])
  func findsWhatWasMeant(_ name: String, _ meant: String?) {
    #expect(nearestName(to: name, among: ["density", "lambda", "normalize"]) == meant)
  }

  @Test func equallyNearNamesGiveTheFirstInOrder() {
    #expect(nearestName(to: "cat", among: ["rat", "bat", "hat"]) == "bat")
  }

  @Test func aNeighboursSwapCountsOnce() {
    #expect(nearestName(to: "abc", among: ["acb"]) == "acb")
    #expect(nearestName(to: "abc", among: ["cab"]) == nil)
  }

  @Test func suggestionsFallBackToWhatThereIs() {
    #expect(suggestion(for: "tis", among: ["ties"]) == "did you mean 'ties'?")
    #expect(suggestion(for: "magic", among: ["ties", "average"]) == "known here: average, ties")
    #expect(suggestion(for: "magic", among: [String]()) == "there is none to choose from")
  }

  @Test(.timeLimit(.minutes(1))) func aNameOfAMegabyteIsNoTrouble() {
    #expect(nearestName(to: String(repeating: "x", count: 1_000_000), among: ["density", "lambda"]) == nil)
  }
}
