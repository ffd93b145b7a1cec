import Records

/// Everything needed to repeat the run.
func repetition(_ run: RunRecord) -> Section {
  Section("repetition", "To repeat this run") {
    paragraph(
      "With Clues \(run.version), the bundles and the plugins below, this recipe gives the same bytes. The record of "
        + "the run contains it too; RUN is the directory of the run:")
    element("pre") { element("code") { "clues run RUN --output again" } }
    element("details") {
      element("summary") { "Recipe" }
      element("pre", ["id": "recipe"]) {
        element("code") { Markup(lines: run.recipe.text(indented: true)) }
      }
    }
    DataTable(
      caption: "Bundles", headings: ["client", "path", "SHA-256"],
      rows: run.bundles.map { [.text($0.name), .text($0.path), .code($0.sha256)] }
    ).markup
    DataTable(
      caption: "Plugins", headings: ["library", "version", "SHA-256"],
      rows: run.plugins.map { [.text($0.library), .text($0.version), .code($0.sha256)] }
    ).markup
  }
}
