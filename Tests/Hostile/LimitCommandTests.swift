import Diagnostics
import Foundation
import TestSupport
import Testing

/// Limits as users set them.
@Suite struct LimitCommandTests {
  static let tiny = fixture("tiny/c0")

  static let commands: [[String]] = [
    ["inspect", tiny], ["pack", tiny, "-o", "x.tar"], ["merge", tiny, "--method", "average", "-o", "x"],
    ["score", tiny, "--scorer", "clues"], ["run", "r.yaml", "-o", "x"], ["score", "--recipe", "r.yaml"],
    ["recipe", "explain", "r.yaml", "--modules"],
  ]

  private func withRecipe(_ limits: String = "", _ body: (URL) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let text = "clients: ['\(Self.tiny)']\nscore: {scorer: clues}\nmerge: {method: average}\n\(limits)"
      try folder.fill(["r.yaml": text])
      try body(folder)
    }
  }

  @Test(arguments: commands) func theCommandLineSetsThem(_ command: [String]) throws {
    try withRecipe { folder in
      let result = try clues(command + ["--limit", "entries=3"], in: folder)
      #expect(result.status == 65)
      #expect(result.errors.contains("holds more files and folders than the limit of 3"), "\(result.errors)")
      #expect(result.errors.contains("--limit entries=N, or 'limits' in a recipe"), "\(result.errors)")
      let raised = try clues(command + ["--limit", "entries=3", "--limit", "entries=3000"], in: folder)
      #expect(raised.status == 0, "\(raised.errors)")
    }
  }

  @Test func aRecipeSetsThemAndTheCommandLineGoesBefore() throws {
    try withRecipe("limits: {entry_size: 1kB}\n") { folder in
      let result = try clues(["run", "r.yaml", "-o", "x"], in: folder)
      #expect(result.status == 65)
      #expect(result.errors.contains("more than the limit of 1000"), "\(result.errors)")
      #expect(try clues(["run", "r.yaml", "-o", "x", "--limit", "entry_size=1MiB"], in: folder).status == 0)
      let explained = try clues(["recipe", "explain", "r.yaml"], in: folder).output
      #expect(explained.contains("1000: bytes of one file of a bundle, decoded"), "\(explained)")
    }
  }

  @Test func scoresAreInputToo() throws {
    try withTemporaryFolder { folder in
      #expect(try clues(["score", Self.tiny, "--scorer", "grand", "-o", "s.jsonl"], in: folder).status == 0)
      let result = try clues(["select", "s.jsonl", "--limit", "line_size=10"], in: folder)
      #expect(result.status == 65)
      #expect(result.errors.contains("more than the limit of 10"), "\(result.errors)")
    }
  }

  @Test func recipesHaveLimitsOfTheirOwn() throws {
    try withRecipe { folder in
      let result = try clues(["recipe", "check", "r.yaml", "--limit", "recipe_size=10"], in: folder)
      #expect(result.status == 78)
      #expect(result.errors.contains("--limit recipe_size=N)"), "\(result.errors)")
    }
  }

  @Test(arguments: [
    ("entries", "this is not name=value"), ("entrie=3", "did you mean 'entries'?"),
    ("entries=3kB", "must be a whole number"),
    ("entry_size=4.5GiB", "must be a number of bytes such as 4GiB"),
    ("entry_size=99999999TiB", "must be a number of bytes"),
    ("json_depth=65", "must be a whole number of at most 64"), ("entries=-1", "must be a whole number"),
  ])
  func refusesWhatIsNoLimit(_ setting: String, _ message: String) throws {
    let result = try clues(["inspect", Self.tiny, "--limit", setting])
    #expect(result.status == 64)
    #expect(result.errors.contains(message), "\(result.errors)")
  }

  @Test(arguments: [
    ("4GiB", 4 << 30), ("100MB", 100_000_000), ("100 MB", 100_000_000), ("7", 7), ("1kB", 1000), ("1KiB", 1024),
  ]) func sizesHaveUnits(_ text: String, _ bytes: Int) {
    #expect(Limit.entrySize.value(of: text) == bytes)
  }

  @Test(arguments: Limit.allCases) func whatIsWrittenReadsBack(_ limit: Limit) {
    #expect(limit.value(of: limit.text(of: limit.byDefault)) == limit.byDefault)
  }
}
