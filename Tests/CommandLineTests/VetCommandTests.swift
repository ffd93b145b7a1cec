import Foundation
import JSON
import TestSupport
import Testing

/// `clues vet` as an operator uses it.
@Suite struct VetCommandTests {
  private static let samples = [
    "checkpoints/medical.tar.zst", "checkpoints/financial.tar.gz", "checkpoints/multilingual.zip",
  ]

  private func vet(_ arguments: [String], in folder: URL) throws -> JSONObject {
    let result = try clues(["vet"] + arguments + ["--json", "-q"], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    return try #require(try JSONReader().read(result.output).objectValue)
  }

  @Test func `bundles, a recipe and a run stand for the same clients`() throws {
    try withWorkingCopy { folder in
      let bundles = try vet(Self.samples, in: folder)
      #expect(bundles["schema"] == "clues/vetting/1")
      #expect(try vet(Self.samples.reversed(), in: folder)["clients"] == bundles["clients"])
      #expect(try vet(["recipes/average.yaml"], in: folder)["clients"] == bundles["clients"])
      let merged = try clues(["merge"] + Self.samples + ["--method", "average", "-o", "m"], in: folder)
      #expect(merged.status == 0, "\(merged.errors)")
      #expect(try vet(["m"], in: folder)["clients"] == bundles["clients"])
      let text = try clues(["vet"] + Self.samples + ["--final-only"], in: folder)
      #expect(text.status == 0 && text.output.contains("Nobody stands out."), "\(text)")
      #expect(text.output.hasPrefix("client ") && text.errors.contains("comparing: "), "\(text)")
      for line in text.output.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
      let two = try clues(["vet"] + Self.samples + ["--without", "medical"], in: folder)
      #expect(two.status == 0 && two.output.contains("With two clients, nothing can tell"), "\(two)")
      let one = try clues(["vet", Self.samples[0]], in: folder)
      #expect(one.status == 64 && one.errors.contains("compared with each other"), "\(one)")
      let report = try String(contentsOf: folder.appending(path: "m/clues/report.html"), encoding: .utf8)
      #expect(report.contains("Which clients to look at") && report.contains("Nobody stands out."))
      #expect(!report.contains("Clients' updates") && !report.contains("Clients&#39; updates"))
    }
  }

  @Test func `a client that was handed in twice is named`() throws {
    try withWorkingCopy { folder in
      let result = try clues(
        ["vet"] + Self.samples + [Self.samples[1]]
          + ["--client", "a", "--client", "b", "--client", "c", "--client", "d"], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let text = result.output.replacing(/\s+/, with: " ")
      #expect(text.contains("b stands out: - its update has the direction of 'd': one is a copy"), "\(result.output)")
      #expect(text.contains("d stands out:") && !text.contains("a stands out:"))
    }
  }

  /// A rule that does not ship with Clues is called in a worker, as often as there are draws, and draws are the same.
  @Test func `draws by a rule in a worker`() throws {
    try withWorkingCopy { folder in
      let scored = try clues(
        ["score"] + Self.samples + ["--scorer", "perplexity", "-q", "-o", "s.jsonl"], in: folder)
      #expect(scored.status == 0, "\(scored.errors)")
      let rules = try builtInCatalog().thresholdRule("otsu").about.library.path
      try FileManager.default.createDirectory(at: folder.appending(path: "own"), withIntermediateDirectories: true)
      // Of the same file name, so that it takes the place of the one that ships.
      let own = folder.appending(path: "own/" + URL(filePath: rules).lastPathComponent).path
      try FileManager.default.copyItem(atPath: rules, toPath: own)
      try mark(own)
      // The library is of the tests' build, and so are the Swift libraries that it loads.
      let sibling = siblingExecutable
      #expect(try clues(["plugins", "trust", own], in: folder, executable: sibling).status == 0)
      func select(_ more: String...) throws -> JSONObject {
        let result = try clues(
          ["select", "s.jsonl", "--threshold", "otsu", "--draws", "30", "--json"] + more, in: folder,
          executable: sibling)
        #expect(result.status == 0, "\(result.errors)")
        return try #require(try JSONReader().read(result.output).objectValue)
      }
      let (here, worker) = try (select(), select("--plugin-dir", "own"))
      #expect(here["bootstrap"]?.objectValue?["resamplings"]?.arrayValue?.isEmpty == false)
      #expect(here["bootstrap"] == worker["bootstrap"])
    }
  }

  /// The selection's certainty goes through the command line, too.
  @Test func `draws are chosen, recorded and left out`() throws {
    try withWorkingCopy { folder in
      let scored = try clues(
        ["score"] + Self.samples + ["--scorer", "perplexity", "-q", "-o", "s.jsonl"], in: folder)
      #expect(scored.status == 0, "\(scored.errors)")
      func select(_ arguments: String...) throws -> (JSONObject, CommandResult) {
        let result = try clues(["select", "s.jsonl", "--threshold", "anchor-sigma", "--json"] + arguments, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        return (try #require(try JSONReader().read(result.output).objectValue), result)
      }
      let usual = try select().0["bootstrap"]?.objectValue
      #expect(usual?["draws"] == 200 && usual?["resamplings"]?.arrayValue?.count == 4)
      #expect(try select("--draws", "40").0["bootstrap"]?.objectValue?["draws"] == 40)
      #expect(try select("--draws", "0").0["bootstrap"] == .null)
      let table = try clues(["select", "s.jsonl", "--threshold", "otsu"], in: folder)
      #expect(table.output.contains("resampled") && table.output.contains("samples  "), "\(table.output)")
      let refused = try clues(["select", "s.jsonl", "--draws", "-1"], in: folder)
      #expect(refused.status == 64)
      let ran = try clues(
        ["run", "recipes/clues-calibrated.yaml", "--set", "select.draws=20", "-o", "r"], in: folder)
      #expect(ran.status == 0 && ran.output.contains("certainty"), "\(ran)")
      let record = try JSONReader().read(
        String(contentsOf: folder.appending(path: "r/clues/run.json"), encoding: .utf8)
      ).objectValue
      #expect(record?["recipe"]?.objectValue?["select"]?.objectValue?["draws"] == 20)
      #expect(record?["selection"]?.objectValue?["bootstrap"]?.objectValue?["draws"] == 20)
      let report = try String(contentsOf: folder.appending(path: "r/clues/report.html"), encoding: .utf8)
      #expect(report.contains("How certain the threshold is") && report.contains("recomputed 20 times"))
    }
  }
}
