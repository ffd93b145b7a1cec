import Diagnostics
import JSON
import Reports
import Testing

/// How sure a threshold is, and whom to look at, as a page tells it.
@Suite struct CertaintyAndSuspicionTests {
  private static let resamplings: JSONValue = [
    [
      "drawn": "anchors", "more": 0, "failed": 0, "threshold": [-1.5, -0.5], "deviations": [-1.25, -0.75],
      "unsure": 12, "of": 120, "clients": [],
    ],
    [
      "drawn": "clients", "more": 1, "failed": 3, "threshold": .null, "deviations": [.null, .null], "unsure": 6,
      "of": 120, "clients": [],
    ],
  ]

  private func page(_ change: (inout JSONObject) throws -> Void) throws -> (html: String, page: Page.Element) {
    guard case .object(var run) = SampleRun().json() else { throw Failure(.badData, "the sample run is no record") }
    try change(&run)
    let html = try Report(run: .object(run), scores: SampleRun().scores()).html
    return (html, try Page.read(html))
  }

  private func bootstrap(_ value: JSONValue, in run: inout JSONObject) throws {
    var selection = try #require(run["selection"]?.objectValue)
    selection["bootstrap"] = value
    run["selection"] = .object(selection)
  }

  @Test func `certainty is a table`() throws {
    let (html, page) = try page { run in
      try bootstrap(["draws": 200, "seed": 0, "resamplings": Self.resamplings], in: &run)
    }
    let caption = "The threshold on drawn anchors, samples and clients"
    #expect(html.contains("recomputed 200 times"))
    #expect(try page.numbers(caption, "lower end") == [-1.5, nil] && page.numbers(caption, "to") == [-0.75, nil])
    #expect(try page.numbers(caption, "unsure") == [12, 6] && page.numbers(caption, "share") == [0.1, 0.05])
    #expect(html.contains("clients, 1 more"))
  }

  @Test func `what is not told is not shown`() throws {
    for value: JSONValue in [.null, ["draws": 200, "seed": 0, "resamplings": []]] {
      #expect(try !page { try bootstrap(value, in: &$0) }.html.contains("How certain the threshold is"))
    }
    #expect(try !page { _ in }.page.sectionIds.contains("suspicion"))
  }

  /// Of every client its suspicion: a score, and what speaks against it.
  private func suspicions(_ told: [(score: JSONValue, reasons: [String])], in run: inout JSONObject) throws {
    let clients = try #require(run["clients"]?.arrayValue)
    run["clients"] = .array(
      zip(clients, told).map { client, told in
        var client = client.objectValue ?? JSONObject()
        client["suspicion"] = [
          "score": told.score, "reasons": JSONValue(told.reasons),
          "remarks": JSONValue(told.reasons.isEmpty ? [] : ["it differs most in q"]),
          "median_cosine": 0.25, "leaving_out": ["with": 0.5, "without": 0.75],
        ]
        return .object(client)
      })
  }

  @Test func `clients are ranked, with the reasons`() throws {
    let (html, page) = try page { run in
      try suspicions(
        [(0.5, []), (1.75, ["its norm is <20> times"]), (.null, ["its update is zero"])], in: &run)
    }
    let table = try #require(page.all("table").first { $0.all("caption").first?.wholeText == "Clients by suspicion" })
    #expect(
      try #require(table.all("tbody").first).all("tr").compactMap { $0.all("th").first?.wholeText }
        == ["multilingual", "medical", "financial"])
    #expect(try page.numbers("Clients by suspicion", "suspicion") == [nil, 1.75, 0.5])
    #expect(try page.numbers("Clients by suspicion", "without it") == [0.75, 0.75, 0.75])
    let section = try #require(page.all("section").first { $0.attributes["id"] == "suspicion" })
    #expect(
      section.all("li").map(\.wholeText).filter { $0.hasPrefix("its ") } == [
        "its update is zero", "its norm is <20> times",
      ])
    #expect(section.wholeText.contains("Of 3 clients these stand out:"))
    // The same figures are not told twice.
    #expect(!page.all("table").contains { $0.all("caption").first?.wholeText == "Clients' updates" })
    #expect(html.contains("&lt;20&gt;"))
  }

  @Test func `nobody stands out`() throws {
    let (_, page) = try page { try suspicions([(0.5, []), (0.25, []), (0.75, [])], in: &$0) }
    let section = try #require(page.all("section").first { $0.attributes["id"] == "suspicion" })
    #expect(section.wholeText.contains("Nobody stands out.") && section.all("li").isEmpty)
    #expect(try page.numbers("Clients by suspicion", "suspicion") == [0.75, 0.5, 0.25])
  }

  @Test func `a broken record is named`() throws {
    let failure = #expect(throws: Failure.self) {
      try page { run in
        try bootstrap(["draws": 200, "seed": 0, "resamplings": [["drawn": "anchors", "more": 0]]], in: &run)
      }
    }
    #expect(failure?.message.contains("bootstrap.resamplings[0].unsure") == true, "\(String(describing: failure))")
  }
}
