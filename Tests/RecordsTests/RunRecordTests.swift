import Foundation
import JSON
import Records
import TestSupport
import Testing

/// What a run wrote is read back whole: nothing is lost on the way, in no file.
@Suite struct RunRecordTests {
  /// Runs that score by one and by several scorers, select, calibrate, merge, and merge only.
  private static let recipes = ["clues", "clues-calibrated", "ties"]

  @Test(arguments: recipes) func `records read back as they were written`(_ recipe: String) throws {
    try withWorkingCopy { folder in
      let result = try clues(["run", "recipes/\(recipe).yaml", "--output", "out"], in: folder)
      try #require(result.status == 0, "\(result.errors)")
      func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: "out/clues/\(name)"), encoding: .utf8)
      }
      let run = try text("run.json")
      #expect(try RunRecord(run: JSONReader().read(run)).text == run)
      guard recipe != "ties" else { return }
      let rows = try text("scores.jsonl")
      let read = try rows.split(separator: "\n").map { try ScoreRecord(JSONReader().read(String($0))) }
      #expect(read.count > 100 && read.map { $0.json.text() + "\n" }.joined() == rows)
      let origin = try text("scores.origin.json")
      #expect(try ScoresOrigin(document: JSONReader().read(origin)).text == origin)
    }
  }

  @Test func `measurements read back as they were printed`() throws {
    try withTemporaryFolder { folder in
      let line = [
        "measure", fixture("capture/client"), "--base", fixture("capture/base"), "--data",
        "t=\(fixture("capture/train.jsonl"))", "--data", fixture("measure/choices.jsonl"), "--draws", "20", "--seed",
        "\(UInt64.max)", "--generate", "--max-new-tokens", "4", "--json", "-q",
      ]
      let ids = try String(contentsOfFile: fixture("capture/train.jsonl"), encoding: .utf8).split(separator: "\n")
        .compactMap { try JSONReader().read(String($0)).objectValue?["id"]?.stringValue }
      let mark = "{\"id\": \"\(ids.first ?? "t-0")\", \"adapter\": \"client\", \"mark\": 3}\n"
      try Data(mark.utf8).write(to: folder.appending(path: "marks.jsonl"))
      let result = try clues(line + ["--marks", "marks.jsonl"], in: folder)
      try #require(result.status == 0, "\(result.errors)")
      let record = try MeasureRecord(document: JSONReader().read(result.output))
      #expect(record.text == result.output)
      #expect(record.tables.map(\.kind) == [.losses, .choices, .answers, .marks])
      #expect(record.bootstrap.seed == .max && record.leftOut.count == 1 && record.examples.count == 3)
    }
  }

  @Test func `figures that cannot be are refused by name`() throws {
    func client(_ members: JSONObject) -> JSONValue {
      var client: JSONObject = [
        "name": "a", "sha256": "0", "weight": 1, "rank": ["smallest": 1, "largest": 2], "modules": 1,
      ]
      for member in members.members { client[member.key] = member.value }
      return .object(client)
    }
    for (members, message) in [
      (["rank": ["smallest": 3, "largest": 2]], "rank is an object, not a smallest and a largest number in order"),
      (["rank": ["smallest": 1]], "rank.largest is missing, where a whole number is expected"),
      (["weight": "1"], "weight is a string, not a number"),
      (["norm": 1, "suspicion": ["reasons": [1], "remarks": []]], "suspicion.reasons[0] is a number, not a string"),
    ] as [(JSONObject, String)] {
      let run: JSONValue = [
        "schema": "clues/run/1", "version": "1", "bundles": [], "clients": [client([:]), client(members)],
        "plugins": [],
        "scorers": [], "notes": [],
      ]
      let failure = try failure { try RunRecord(run: run) }
      #expect(failure.message == "run.json.clients[1].\(message)")
    }
  }
}
