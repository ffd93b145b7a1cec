import Adapters
import Diagnostics
import JSON
import Merging

/// The README.md of a merged adapter: a Hugging Face model card.
///
/// - parameter library: The program that loads it.
func modelCard(_ adapter: MergedAdapter, _ outcome: RunOutcome, library: String) -> String {
  // Names come from untrusted archives; as JSON strings they are harmless in YAML.
  func quoted(_ text: String) -> String { JSONValue.string(text).text() }
  var card = "---\n"
  if case .string(let base)? = adapter.config["base_model_name_or_path"] { card += "base_model: \(quoted(base))\n" }
  card += "library_name: \(library)\ntags:\n- lora\n- merge\n- clues\n---\n\n# Merged adapter\n\n"
  let (method, space) = (outcome.merge?.method ?? "", outcome.merge?.space ?? "")
  card += "Merged by Clues \(cluesVersion) with the method `\(method)` in the space `\(space)` from "
  card += "\(outcome.clients.count) client\(outcome.clients.count == 1 ? "" : "s").\n\n"
  if let layout = outcome.record.merge?.layoutText { card += "Rank layout: \(layout).\n\n" }
  card += "| client | weight | norm | cosine with the result | SHA-256 of its bundle |\n|---|---|---|---|---|\n"
  let figures = Dictionary(uniqueKeysWithValues: (outcome.merge?.figures ?? []).map { ($0.client, $0) })
  for client in outcome.clients {
    let update = figures[client.name]
    card += "| \(cell(client.name)) | \(client.weight) | \(update.map { short($0.norm) } ?? "–") | "
    card += "\(cosineText(update?.cosineWithResult)) | `\(client.sha256)` |\n"
  }
  if let replaced = outcome.merge?.replaced { card += section(replaced) }
  card += "\n## Recipe\n\n```json\n\(outcome.recipeAsWritten.text(indented: true))\n```\n\n"
  card +=
    "Paths are as the user wrote them. If the bundles still exist, `clues run RUN --output AGAIN` repeats the run of "
  card += "this folder, RUN, from its record.\n"
  return card
}

/// What happened to the tensors that replace the base model's.
private func section(_ replaced: ReplacedTensors) -> String {
  var text = "\n## Replaced tensors\n\nTensors that replace the base model's own: `absolute: \(replaced.policy)`.\n\n"
  text += "| tensor | in the result |\n|---|---|\n"
  for tensor in replaced.kept {
    text += "| \(cell(tensor.name)) | of \(tensor.clients.map(cell).joined(separator: ", ")) |\n"
  }
  for client in replaced.leftOut {
    for name in client.names { text += "| \(cell(name)) | not that of \(cell(client.client)) |\n" }
  }
  return text
}

/// A text as one cell of a Markdown table.
private func cell(_ text: String) -> String {
  oneLine(text).unicodeScalars.reduce(into: "") { cell, scalar in
    if "|\\`*_<>[]&#".unicodeScalars.contains(scalar) { cell += "\\" }
    cell.unicodeScalars.append(scalar)
  }
}
