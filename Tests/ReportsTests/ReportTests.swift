import Diagnostics
import JSON
import Reports
import TestSupport
import Testing

@Suite struct ReportTests {
  private func page(_ run: SampleRun) throws -> Page.Element {
    try Page.read(Report(run: run.json(), scores: run.scores()).html)
  }

  @Test func `a page is whole, says what it is and lets nothing in`() throws {
    let html = try Report(run: SampleRun().json(), scores: SampleRun().scores()).html
    #expect(html.hasPrefix("<!DOCTYPE html>\n"))
    let page = try Page.read(html)
    #expect(page.name == "html" && page.attributes["lang"] == "en")
    let metas = page.all("meta").map(\.attributes)
    #expect(
      metas.first { $0["http-equiv"] == "Content-Security-Policy" }?["content"]
        == "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    #expect(metas.contains { $0["name"] == "viewport" })
    #expect(page.all("title").first?.text == "3 clients, one adapter · Clues")
    for name in ["script", "link", "img", "iframe", "object", "form"] { #expect(page.all(name).isEmpty) }
    #expect(!html.contains("url(") && !html.contains("@import"))
    #expect(page.all("a").allSatisfy { $0.attributes["href"]?.hasPrefix("#") == true })
  }

  @Test func `headings go down step by step, and links lead to sections`() throws {
    let page = try page(SampleRun())
    func headings(_ element: Page.Element) -> [Int] {
      (["h1": 1, "h2": 2, "h3": 3][element.name].map { [$0] } ?? []) + element.children.flatMap(headings)
    }
    let levels = headings(page)
    #expect(levels.first == 1 && levels.count { $0 == 1 } == 1)
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 })
    #expect(page.all("a").map { $0.attributes["href"] } == page.sectionIds.map { "#\($0)" })
    let ids = (page.all("section") + page.all("h2") + page.all("pre")).compactMap { $0.attributes["id"] }
    #expect(Set(ids).count == ids.count)
  }

  @Test func `every drawing can be read aloud and has a table`() throws {
    let page = try page(SampleRun())
    let drawings = page.all("svg")
    #expect(drawings.count == 6)
    for drawing in drawings {
      #expect(drawing.attributes["role"] == "img")
      #expect(drawing.children.first?.name == "title" && drawing.children[0].wholeText.count > 5)
      #expect(drawing.children[1].name == "desc" && drawing.children[1].wholeText.count > 5)
    }
    for section in page.all("section") where !section.all("svg").isEmpty {
      #expect(!section.all("details").flatMap { $0.all("table") }.isEmpty)
    }
  }

  @Test func `how far each client's anchors move the threshold is in the table, where it is known`() throws {
    let heading = "they move the threshold by (deviations)"
    var run = SampleRun()
    run.influences = [1.5, -0.25].map { ["threshold_without": 0.5, "deviations": .number($0)] } + [.null]
    #expect(try page(run).numbers("Scores by client", heading) == [1.5, -0.25, nil])
    #expect(!(try Report(run: SampleRun().json(), scores: SampleRun().scores()).html.contains(heading)))
  }

  @Test func `what dropped samples fall short of is in a table and a drawing`() throws {
    var run = SampleRun()
    let title = "What dropped samples fall short of"
    #expect(!(try Report(run: run.json(), scores: run.scores()).html.contains(title)))
    run.shortOf = [[12, 3, 5], [0, 19, 0], [9, 9, 0]].map { (counts: [Int]) in
      ["direction": JSONValue(counts[0]), "ifd": JSONValue(counts[1]), "ifd (above)": JSONValue(counts[2])]
    }
    let page = try page(run)
    #expect(try page.numbers(title, "ifd") == [3, 19, 9] && page.numbers(title, "ifd (above)") == [5, 0, 0])
    #expect(try page.numbers(title, "dropped") == [20, 19, 18])
    let drawing = try #require(page.all("svg").first { $0.children.first?.wholeText == title })
    let cells = drawing.all("g").compactMap { $0.children.first?.wholeText }
    #expect(cells.contains { $0.hasPrefix("financial, direction: 60") })
  }

  /// Totals of calibrated clients that fall short are those of the shortfalls, not of the scores.
  @Test func `shortfalls are on the scale of the client where clients are calibrated`() throws {
    var run = SampleRun()
    run.calibrate = "client"
    run.threshold = -1
    let rows: [JSONValue] = [-3.0, -0.5, -0.25].enumerated().map { index, value in
      [
        "client": .string(run.clients[index]), "split": "train", "id": "s", "score": -77.0, "kept": .bool(value > -1),
        "shortfalls": ["direction": .number(value), "ifd": -0.125],
      ]
    }
    let page = try Page.read(Report(run: run.json(), scores: rows).html)
    #expect(try page.numbers("Scores by client", "median") == [-3.125, -0.625, -0.375])
  }

  @Test func `tables have the numbers of the record`() throws {
    let run = SampleRun()
    let page = try page(run)
    let modules = run.modules.compactMap(\.objectValue)
    func column(_ key: String) -> [Double?] { modules.map { $0[key]?.doubleValue } }
    #expect(try page.numbers("Sign conflict by module", "sign conflict") == column("sign_conflict"))
    #expect(try page.numbers("Ranks and energies by module", "norm") == column("norm"))
    #expect(try page.numbers("Ranks and energies by module", "energy") == column("energy"))
    #expect(try page.numbers("Ranks and energies by module", "energy dropped") == column("discarded_energy"))
    let clients = try #require(run.json().objectValue?["clients"]?.arrayValue).compactMap(\.objectValue)
    #expect(try page.numbers("Merged clients", "weight") == clients.map { $0["weight"]?.doubleValue })
    let shares = try #require(run.selection.objectValue?["clients"]?.arrayValue).compactMap(\.objectValue)
    for (heading, key) in [("kept", "kept"), ("kept share", "kept_share"), ("unscored", "unscored")] {
      #expect(try page.numbers("Kept share and weight", heading) == shares.map { $0[key]?.doubleValue })
    }
    #expect(try page.numbers("Scores by client", "threshold") == [0.25, 0.25, 0.25])
    #expect(try page.numbers("Scores by client", "scored") == [40, 40, 40])
    #expect(try page.numbers("Unscored samples", "samples") == [1, 1, 1])
    let cosines = try page.numbers("Cosines between the clients' updates", "cosine").compactMap { $0 }
    let matrix = try #require(run.merge.objectValue?["cosines"]?.arrayValue).map { $0.arrayValue ?? [] }
    #expect(cosines == [matrix[0][1], matrix[0][2], matrix[1][2]].compactMap(\.doubleValue).sorted())
  }

  @Test func `every client's update is told`() throws {
    let run = SampleRun()
    let page = try page(run)
    let clients = try #require(run.json().objectValue?["clients"]?.arrayValue).compactMap(\.objectValue)
    for (heading, key) in [
      ("norm", "norm"), ("cosine: result", "cosine_with_result"),
      ("cosine: others", "cosine_with_others"),
    ] {
      #expect(try page.numbers("Clients' updates", heading) == clients.map { $0[key]?.doubleValue })
    }
    for (heading, key) in [("least coefficient", "smallest"), ("largest coefficient", "largest")] {
      let due = clients.map { $0["coefficient"]?.objectValue?[key]?.doubleValue }
      #expect(try page.numbers("Clients' updates", heading) == due)
    }
    let table = try #require(page.all("table").first { $0.all("caption").first?.wholeText == "Clients' updates" })
    #expect(
      try #require(table.all("tbody").first).all("tr").map { $0.wholeText.contains("stands out") }
        == [false, false, true])
    var plain = run
    plain.isLinear = false
    #expect(try !Report(run: plain.json(), scores: []).html.contains("coefficient"))
  }

  @Test func `clients that share no module are not compared`() throws {
    guard case .object(var run) = SampleRun().json(), case .object(var merge)? = run["merge"],
      case .array(var modules)? = merge["modules"], case .object(var module) = modules[0]
    else { throw Failure(.badData, "the sample run is no record") }
    module["clients"] = ["financial"]
    modules[0] = .object(module)
    merge["modules"] = .array(modules)
    merge["shared_modules"] = JSONValue(modules.count - 1)
    merge["compared_modules"] = 3
    merge["cosines"] = [[1.0, .null, 0.5], [.null, 1.0, .null], [0.5, .null, 1.0]]
    run["merge"] = .object(merge)
    let html = try Report(run: .object(run), scores: []).html
    #expect(html.contains("over the modules that both have, of 3 among the 7 that clients share"))
    #expect(html.contains("over the 7 modules that clients share"))
    let page = try Page.read(html)
    #expect(try page.numbers("Cosines between the clients' updates", "cosine") == [0.5])
    #expect(try page.numbers("Sign conflict by module", "sign conflict").count == 7)
    merge["cosines"] = [[1.0, .null, .null], [.null, 1.0, .null], [.null, .null, 1.0]]
    run["merge"] = .object(merge)
    #expect(try Report(run: .object(run), scores: []).html.contains("No two clients share a module"))
  }

  @Test func `a record from before updates were told has its report`() throws {
    guard case .object(var run) = SampleRun().json(), case .array(let clients)? = run["clients"] else {
      throw Failure(.badData, "the sample run is no record")
    }
    run["clients"] = .array(
      clients.map { client in
        let told = ["norm", "cosine_with_result", "cosine_with_others", "coefficient", "stands_out"]
        return .object(
          JSONObject((client.objectValue?.members ?? []).filter { !told.contains($0.key) }.map { ($0.key, $0.value) }))
      })
    let page = try Page.read(Report(run: .object(run), scores: []).html)
    #expect(!page.all("table").contains { $0.all("caption").first?.wholeText == "Clients' updates" })
  }

  @Test func `names of strangers stay names`() throws {
    var run = SampleRun()
    let nasty = ["\"><script>alert(1)</script>", "a\u{202E}gnp.exe", "\u{1B}[31m\u{0}\u{FFFE}]]>", "<!--&lt;'"]
    run.clients = nasty
    run.kinds = ["</svg><script>x</script>", "q\u{2028}_proj"]
    let html = try Report(run: run.json(), scores: run.scores()).html
    #expect(
      !html.unicodeScalars.contains { scalar in
        scalar.properties.isBidiControl || scalar.value < 0x20 && scalar != "\n" || scalar.value == 0xFFFE
      })
    let page = try Page.read(html)
    #expect(page.all("script").isEmpty)
    let table = try #require(page.all("table").first { $0.all("caption").first?.wholeText == "Merged clients" })
    #expect(
      try #require(table.all("tbody").first).all("th").map(\.wholeText)
        == nasty.map { printable($0) }.map {
          $0.replacing("\u{FFFE}", with: "\\u{fffe}")
        })
  }

  @Test func `the same run gives the same bytes, however long it took`() throws {
    let run = SampleRun()
    var slower = try #require(run.json().objectValue)
    slower["seconds"] = ["merging": 99.5]
    let first = try Report(run: run.json(), scores: run.scores()).html
    #expect(try Report(run: .object(slower), scores: run.scores()).html == first)
    var other = run
    other.layers = 5
    #expect(try Report(run: other.json(), scores: run.scores()).html != first)
  }

  @Test func `what a run lacks is left out`() throws {
    let run = SampleRun()
    let merged = try Page.read(Report(run: run.json(without: "selection", "scorers"), scores: []).html)
    #expect(merged.sectionIds == ["overview", "shares", "likeness", "conflict", "loss", "repetition"])
    let scored = try Page.read(
      Report(run: run.json(without: "merge", "clients", "selection"), scores: run.scores(selected: false)).html)
    #expect(scored.sectionIds == ["overview", "scores", "repetition"])
    #expect(scored.all("h1").first?.wholeText == "Scores of 3 clients")
    var lone = run
    lone.clients = ["solo"]
    lone.discards = false
    let one = try page(lone)
    #expect(one.sectionIds == ["overview", "scores", "shares", "loss", "repetition"])
    #expect(one.all("section")[3].all("svg").isEmpty)
  }

  @Test func `no sample is named`() throws {
    let html = try Report(run: SampleRun().json(), scores: SampleRun().scores()).html
    #expect(!html.contains("secret-"))
  }

  @Test func `sixty clients and a thousand modules make no jumble`() throws {
    var run = SampleRun()
    run.clients = (10..<70).map { "hospital-\($0)-of-somewhere" }
    run.layers = 126
    run.kinds = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lora"]
    run.samples = 300
    let html = try Report(run: run.json(), scores: run.scores()).html
    #expect(html.utf8.count < 3_000_000)
    for drawing in try Page.read(html).all("svg") {
      // Names and numbers are many only where each has a row of its own.
      #expect(drawing.all("text").count < 200, "\(drawing.children[0].wholeText)")
      let places = drawing.all("text").map { [$0.attributes["x"], $0.attributes["y"]] }
      #expect(Set(places).count == places.count)
    }
  }

  static let extremes: [[Double]] = [
    [1e308, -1e308, 0], [.leastNonzeroMagnitude, 0, 0], [3, 3, 3], [-0.0, 0.0, 0], [1e300, 1e300 + 1e285, 1e300],
    [1e-12, 2e-12, 0], [1e17, 1e17 + 16, 1e17],
  ]

  @Test(arguments: extremes)
  func `extreme scores are drawn all the same`(_ values: [Double]) throws {
    for threshold: JSONValue in [.number(values[0]), "inf", "-inf"] {
      var run = SampleRun()
      run.clients = ["c"]
      run.threshold = threshold
      let scores: [JSONValue] = values.map {
        ["client": "c", "split": "train", "id": "x", "score": .number($0), "kept": .bool($0 >= values[0])]
      }
      let page = try Page.read(Report(run: run.json(), scores: scores).html)
      let strips = try #require(page.all("section").first { $0.attributes["id"] == "scores" }).all("svg")
      let numbers = strips.flatMap { $0.all("line") + $0.all("rect") + $0.all("text") }.flatMap { element in
        ["x", "y", "x1", "x2", "y1", "y2", "width", "height"].compactMap { element.attributes[$0] }.map { Double($0) }
      }
      #expect(numbers.allSatisfy { ($0 ?? .nan).isFinite })
      #expect(strips.flatMap { $0.all("path") }.allSatisfy { !($0.attributes["d"] ?? "").contains("n") })
    }
  }

  @Test func `a record that is none is refused by name`() throws {
    expectFailure(.badData, "is not the record of a run") { try Report(run: ["schema": "other"], scores: []) }
    var run = try #require(SampleRun().json().objectValue)
    var merge = try #require(run["merge"]?.objectValue)
    merge["cosines"] = [[1.0]]
    run["merge"] = .object(merge)
    #expect(throws: Failure(.badData, "run.json.merge.cosines has 1 elements instead of 3")) {
      try Report(run: .object(run), scores: [])
    }
    merge["cosines"] = "x"
    run["merge"] = .object(merge)
    let failure = #expect(throws: Failure.self) { try Report(run: .object(run), scores: []) }
    #expect(failure?.message == "run.json.merge.cosines is a string, not a list")
    expectFailure(.badData, "scores.jsonl[0].client is a number, not a string") {
      try Report(run: SampleRun().json(), scores: [["client": 1]])
    }
  }

  static let layouts: [(JSONValue, String, String)] = [
    (
      ["style": "uniform", "rank": 12, "smallest": 12, "largest": 12, "cost_of_uniform": 0.05],
      "8 (12 with zeros)", "uniform: every module has rank 12, filled up with zeros"
    ),
    (
      ["style": "uniform", "rank": 8, "smallest": 8, "largest": 8, "cost_of_uniform": 0.0], "8",
      "uniform: every module has rank 8"
    ),
    (
      ["style": "exact", "rank": 8, "smallest": 4, "largest": 8, "cost_of_uniform": 0.25], "8",
      "exact: every module has the rank that it needs, from 4 to 8; one rank for all would add 25 % parameters"
    ),
  ]

  @Test(arguments: layouts)
  func `the layout of the ranks is shown as on the terminal`(_ layout: JSONValue, _ rank: String, _ text: String) throws
  {
    var run = SampleRun()
    run.rankLayout = layout
    let page = try page(run)
    #expect(page.all("dd").contains { $0.wholeText == rank })
    #expect(page.all("dd").contains { $0.wholeText == text })
    #expect(try !self.page(SampleRun()).all("dt").contains { $0.wholeText == "Rank layout" })
  }
}
