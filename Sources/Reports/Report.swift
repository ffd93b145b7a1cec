import Diagnostics
import JSON
import Records

/// The report of a run: one self-contained HTML file without scripts.
///
/// The same record and scores give the same bytes; durations are not included.
package struct Report: Sendable {
  /// The page.
  package let html: String

  /// - parameters:
  ///   - run: `clues/run.json`, of schema `clues/run/1`.
  ///   - scores: The rows of `clues/scores.jsonl`; empty for a run that only merges.
  ///   - measurement: The name of the page of `clues measure` beside this one; nil if there is none.
  package init(_ run: RunRecord, scores: [ScoreRecord], measurement: String? = nil) {
    let samples = ScoredSamples.all(in: scores, calibrating: run.selection?.calibration == .client)
    let sections = [
      overview(run, samples), scoreSection(run, samples), shareSection(run), likenessSection(run),
      suspicionSection(run),
      conflictSection(run), lossSection(run), repetition(run),
    ].compactMap { $0 }
    html = page(
      headline(run, samples), version: run.version, sections,
      beside: measurement.map { ("Measured on held-out samples", $0) })
  }
}

/// A part of the page under its heading.
struct Section {
  let id: String
  let heading: String
  let content: Markup

  init(_ id: String, _ heading: String, @MarkupBuilder content: () -> Markup) {
    self.id = id
    self.heading = heading
    self.content = content()
  }

  fileprivate var markup: Markup {
    element("section", ["id": id, "aria-labelledby": "\(id)-heading"]) {
      element("h2", ["id": "\(id)-heading"]) { heading }
      content
    }
  }
}

/// A page of sections, whole in itself.
///
/// - parameter other: What another page beside it tells, and its name.
func page(
  _ title: String, version: String, _ sections: [Section], beside other: (text: String, name: String)? = nil
) -> String {
  let page = element("html", ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"]) {
    element("head") {
      element("meta", ["charset": "utf-8"])
      element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
      element(
        "meta",
        [
          "http-equiv": "Content-Security-Policy",
          "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        ])
      element("meta", ["name": "color-scheme", "content": "light dark"])
      element("title") { "\(title) · Clues" }
      element("style") { Markup(styleSheet: styleSheet) }
    }
    element("body") {
      element("header") {
        element("p", ["class": "mark"]) { "Clues \(version)" }
        element("h1") { title }
        element("nav", ["aria-label": "Sections"]) {
          element("ul") {
            for section in sections {
              element("li") { element("a", ["href": "#\(section.id)"]) { section.heading } }
            }
            if let other { element("li") { element("a", ["href": other.name]) { other.text } } }
          }
        }
      }
      element("main") {
        for section in sections { section.markup }
      }
    }
  }
  return "<!DOCTYPE html>\n" + page.source + "\n"
}

private func headline(_ run: RunRecord, _ samples: [ScoredSamples]) -> String {
  if run.merge != nil { return "\(counted(run.clients.count, "client")), one adapter" }
  return "Scores of \(counted(samples.count, "client"))"
}

/// A paragraph.
func paragraph(_ text: String, class name: String? = nil) -> Markup { element("p", ["class": name]) { text } }

/// A name in a sentence, isolated so that right-to-left text in it does not affect the sentence.
func name(_ text: String) -> Markup { element("bdi") { text } }

/// A drawing with a table of its numbers.
func figure(_ drawing: Markup, _ table: DataTable) -> Markup {
  element("figure") {
    drawing
    table.folded
  }
}
