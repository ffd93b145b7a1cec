import Adapters
import Diagnostics
import JSON

/// The README.md of a merged adapter: a Hugging Face model card.
func modelCard(_ adapter: MergedAdapter, _ record: RunRecord) -> String {
  // Names come from other people's archives; as JSON texts they are YAML that means nothing else.
  func quoted(_ text: String) -> String { JSONValue.string(text).text() }
  var card = "---\n"
  if case .string(let base)? = adapter.config["base_model_name_or_path"] { card += "base_model: \(quoted(base))\n" }
  card += "library_name: peft\ntags:\n- lora\n- merge\n- clues\n---\n\n# Merged adapter\n\n"
  let (method, space) = (record.merge?.method ?? "", record.merge?.space ?? "")
  card += "Merged by Clues \(cluesVersion) with the method `\(method)` in the space `\(space)` from "
  card += "\(record.clients.count) client\(record.clients.count == 1 ? "" : "s").\n\n"
  card += "| client | weight | SHA-256 of its bundle |\n|---|---|---|\n"
  for client in record.clients { card += "| \(cell(client.name)) | \(client.weight) | `\(client.sha256)` |\n" }
  card += "\n## Recipe\n\n```json\n\(record.recipe.text(indented: true))\n```\n"
  return card
}

/// A text as one cell of a Markdown table.
private func cell(_ text: String) -> String {
  oneLine(text).unicodeScalars.reduce(into: "") { cell, scalar in
    if "|\\`*_<>[]&#".unicodeScalars.contains(scalar) { cell += "\\" }
    cell.unicodeScalars.append(scalar)
  }
}
