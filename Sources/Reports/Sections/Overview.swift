import Diagnostics
import JSON
import Records

/// Inputs and results.
func overview(_ run: RunRecord, _ samples: [ScoredSamples]) -> Section {
  Section("overview", "What went in, what came out") {
    element("dl", ["class": "figures"]) {
      for (name, value) in keyFigures(run, samples) {
        element("div") {
          element("dt") { name }
          element("dd") { value }
        }
      }
    }
    for note in run.notes {
      element("p", ["class": note.severity == .warning ? "note warning" : "note"]) {
        element("strong") { note.severity == .warning ? "Warning" : "Note" }
        " \(note.text)"
      }
    }
    if !run.clients.isEmpty { clientTable(run).markup }
    element("dl", ["class": "facts"]) {
      for (name, value) in choices(run) {
        element("dt") { name }
        element("dd") { value }
      }
    }
  }
}

private func keyFigures(_ run: RunRecord, _ samples: [ScoredSamples]) -> [(String, String)] {
  var figures = [("clients", whole(run.merge == nil ? samples.count : run.clients.count))]
  if let selection = run.selection {
    let kept = selection.clients.reduce(0) { $0 + $1.kept }
    let total = selection.clients.reduce(0) { $0 + $1.scored + $1.unscored }
    figures.append(("kept of \(whole(total))", whole(kept)))
    if let threshold = selection.globalThreshold { figures.append(("threshold", short(threshold))) }
  } else if !samples.isEmpty {
    figures.append(("samples scored", whole(samples.reduce(0) { $0 + $1.training.count })))
  }
  if let merge = run.merge {
    figures.append(("modules", whole(merge.modules.count)))
    figures.append(("rank", merge.rankText))
    if run.clients.count > 1 { figures.append(("entries in dispute", percent(merge.signConflict))) }
    figures.append(("energy dropped", percent(merge.discardedShare)))
  }
  return figures
}

private func clientTable(_ run: RunRecord) -> DataTable {
  let weights = NumberStyle(run.clients.map(\.weight))
  return DataTable(
    caption: "Merged clients",
    headings: ["client", "weight", "rank", "modules", "checkpoint", "SHA-256 of the bundle"],
    rows: run.clients.map { client in
      [
        .text(client.name), .number(client.weight, weights), .range([client.rank.lowerBound, client.rank.upperBound]),
        .whole(client.moduleCount),
        client.step.map { .whole($0) } ?? .text("final"), .code("\(client.sha256.prefix(12))…"),
      ]
    })
}

/// The choices of the recipe, plugin by plugin.
private func choices(_ run: RunRecord) -> [(String, String)] {
  var choices: [(String, String)] = []
  for scorer in run.scorers {
    let weight = run.scorers.count > 1 ? ["weight \(short(scorer.weight))"] : []
    let title = scorer.label == scorer.id ? scorer.id : "\(scorer.label): \(scorer.id)"
    let side = scorer.side.map { $0 == "both" ? ["counts on both sides of the anchors"] : [] } ?? []
    choices.append(("Scorer", described(title, weight + side + parameters(scorer.parameters))))
  }
  switch run.combination {
  case "shortfall": choices.append(("Combined", "by shortfall: no scorer makes up for what a sample lacks by another"))
  case "sum": choices.append(("Combined", "as a sum: one scorer can make up for another"))
  default: break
  }
  if let selection = run.selection {
    let scale = (selection.calibration == .client) ? ["scores on the scale of each client's anchors"] : []
    choices.append(("Threshold", described(selection.rule, parameters(selection.parameters) + scale)))
  }
  guard let merge = run.merge else { return choices }
  let recipe = run.recipe.objectValue?["merge"]?.objectValue?["parameters"] ?? .null
  choices.append(("Merge method", described(merge.method, parameters(recipe))))
  choices.append(("Space", merge.space))
  let norm = merge.modules.reduce(0) { $0 + $1.energy }.squareRoot()
  choices.append(("Adapter", "\(merge.dtype), norm of the merged update \(short(norm))"))
  if let layout = merge.layoutText { choices.append(("Rank layout", layout)) }
  let partial = merge.modules.count { $0.clients.count < run.clients.count }
  if partial > 0 { choices.append(("Coverage", "\(counted(partial, "module")) missing from some clients")) }
  return choices
}

private func described(_ name: String, _ details: [String]) -> String {
  details.isEmpty ? name : "\(name) (\(details.joined(separator: ", ")))"
}

/// "density 0.2", for every parameter.
private func parameters(_ value: JSONValue) -> [String] {
  (value.objectValue?.members ?? []).map {
    "\($0.key) \($0.value.stringValue ?? $0.value.doubleValue.map(short) ?? $0.value.text())"
  }
}
