import Foundation
import Records

/// Where the clients' updates have both signs; nil for fewer than two clients.
func conflictSection(_ run: RunRecord) -> Section? {
  guard let merge = run.merge, run.clients.count > 1 else { return nil }
  // A module that only one client has cannot be in dispute.
  let shared = merge.modules.filter { $0.clients.count > 1 }
  guard !shared.isEmpty else { return nil }
  let grid = ModuleGrid(shared)
  let style = NumberStyle(shares: shared.map(\.signConflict))
  let chance = shared.reduce(0) { $0 + 1 - pow(2, 1 - Double($1.clients.count)) } / Double(shared.count)
  let which =
    shared.count < merge.modules.count ? "the \(whole(shared.count)) modules that clients share" : "all modules"
  return Section("conflict", "Where they disagree") {
    paragraph(
      "At \(percent(merge.signConflict)) of the entries the clients' updates have both signs, on average over "
        + "\(which). Updates with nothing in common would disagree at \(percent(chance)).")
    figure(
      moduleMap(
        grid, title: "Sign conflict by layer and kind of module",
        description: "The share of entries at which the clients' updates have both signs.",
        share: { $0.reduce(0) { $0 + $1.signConflict } / Double($0.count) }),
      DataTable(
        caption: "Sign conflict by module", headings: ["module", "clients", "sign conflict"],
        rows: grid.modules.map { module in
          [.text(module.name), .whole(module.clients.count), .number(module.signConflict, style)]
        }))
  }
}

/// The share rounded up to one digit, for a scale that ends on a round number.
private func rounded(_ share: Double) -> Double {
  guard share > 0, share.isFinite else { return 1 }
  let power = pow(10, log10(share).rounded(.down))
  return (share / power).rounded(.up) * power
}

/// A share by layer and kind of module.
///
/// - parameter share: That of the modules in one cell, which are more than one where experts share a layer.
func moduleMap(
  _ grid: ModuleGrid, title: String, description: String, share: ([RunRecord.Module]) -> Double
) -> Markup {
  let values = grid.cells.map { row in row.map { cell in cell.isEmpty ? nil : share(cell) } }
  let largest = values.joined().compactMap { $0 }.max() ?? 0
  return HeatMap(
    title: title, description: description, rows: grid.kinds,
    columns: grid.layers.map { $0.map { "\($0)" } ?? "–" }, columnTitle: "layer", values: values, isShare: true,
    strongest: rounded(largest),
    cellName: { row, column in
      let cell = grid.cells[row][column]
      return cell.count == 1 ? cell[0].name : "\(cell.count) modules like \(cell[0].name)"
    }
  ).markup
}
