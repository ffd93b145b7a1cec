import Diagnostics
import JSON
import Records
import Reports
import TestSupport
import Testing

/// A measurement as a page tells it.
@Suite struct MeasurePageTests {
  private static func figure(_ value: Double, _ half: Double) -> JSONValue {
    ["value": .number(value), "interval": [.number(value - half), .number(value + half)]]
  }

  private static func part(_ domain: JSONValue, _ shift: Double) -> JSONValue {
    [
      "domain": domain, "samples": 12, "tokens": 340,
      "models": [
        [
          "name": "base", "per_token": figure(2.5 + shift, 0.25), "per_sample": figure(2.25, 0.5), "perplexity": 12.18,
        ],
        [
          "name": "<b>&", "per_token": figure(2 + shift, 0.25), "per_sample": ["value": 1.75, "interval": .null],
          "perplexity": 7.39,
        ],
      ],
      "differences": [
        ["model": "<b>&", "against": "base", "per_token": figure(-0.5, 0.125), "per_sample": figure(-0.5, 0.25)]
      ],
    ]
  }

  private static func measurement() -> JSONObject {
    [
      "schema": "clues/measure/1", "version": "1.0", "base": "SmolLM2", "data": ["a.jsonl"], "loss_over": "answer",
      "models": [
        ["name": "base", "path": "SmolLM2", "step": .null], ["name": "<b>&", "path": "in/b", "step": 60],
      ],
      "answer_tokens": .null, "bootstrap": ["draws": 2000, "seed": 0, "confidence": 0.95],
      "losses": [part("medical", 0), part("legal", 1), part(.null, 0.5)],
      "examples": [
        [
          "id": "a-0", "domain": "medical", "prompt": "Two\nlines </code>", "reference": "<script>alert(1)</script>",
          "answers": [
            "base": ["text": "yes", "end": "stopped", "tokens": 1],
            "<b>&": ["text": "no", "end": "length", "tokens": 1],
          ],
        ]
      ],
      "left_out": [["id": "x", "domain": "legal", "file": "a.jsonl", "line": 7, "reason": "it has no answer"]],
      "notes": ["something <i>"],
    ]
  }

  private static func html(_ json: JSONObject) throws -> String {
    MeasurePage(try MeasureRecord(document: .object(json))).html
  }

  @Test func `figures are drawn and stand in tables`() throws {
    let html = try Self.html(Self.measurement())
    let page = try Page.read(html)
    #expect(page.sectionIds == ["overview", "losses", "examples", "left-out"])
    #expect(try page.numbers("Loss by model", "loss per token") == [2.5, 2, 3.5, 3, 3, 2.5])
    #expect(try page.numbers("Loss by model", "perplexity") == [12.18, 7.39, 12.18, 7.39, 12.18, 7.39])
    #expect(try page.numbers("Differences in loss", "loss per token") == [-0.5, -0.5, -0.5])
    let charts = page.all("svg")
    #expect(charts.map { $0.all("circle").count } == [6, 3])
    #expect(charts.map { chart in chart.all("line").count { $0.attributes["class"] == "whisker" } } == [6, 3])
    #expect(page.all("script").isEmpty && page.all("i").isEmpty && page.all("b").isEmpty)
    for words in ["no … (cut off)", "it has no answer", "<script>alert(1)</script>", "something <i>"] {
      #expect(page.wholeText.contains(words), "\(words)")
    }
  }

  @Test func `what there is not is not drawn`() throws {
    var file = Self.measurement()
    file["examples"] = nil
    file["left_out"] = []
    file["losses"] = nil
    let page = try Page.read(try Self.html(file))
    #expect(page.sectionIds == ["overview"] && page.all("svg").isEmpty)
  }

  @Test func `what is no measurement is refused`() throws {
    var file = Self.measurement()
    file["models"] = 3
    #expect(try failure { try Self.html(file) }.description.contains("models"))
  }
}
