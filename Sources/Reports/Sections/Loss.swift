import Diagnostics
import Records

/// What compression dropped; nil without a merge.
func lossSection(_ run: RunRecord) -> Section? {
  guard let merge = run.merge else { return nil }
  guard let worst = merge.modules.max(by: { $0.discardedShare < $1.discardedShare }), worst.discardedEnergy > 0 else {
    return Section("loss", "What the merge lost") {
      paragraph("Nothing: no merged module was compressed below its rank.")
    }
  }
  let grid = ModuleGrid(merge.modules)
  let norms = NumberStyle(merge.modules.map(\.norm))
  let energies = NumberStyle(merge.modules.map(\.energy))
  let shares = NumberStyle(shares: merge.modules.map(\.discardedShare))
  return Section("loss", "What the merge lost") {
    element("p") {
      "Compression to rank \(span(merge.modules.map(\.rank))) dropped \(percent(merge.discardedShare)) of the merged "
        + "updates' energy. The largest share in a module is \(percent(worst.discardedShare)), in "
      name(worst.name)
      "."
    }
    paragraph("Energy is the squared Frobenius norm of an update ΔW, the sum of its squared entries.", class: "soft")
    figure(
      moduleMap(
        grid, title: "Energy dropped by layer and kind of module",
        description: "The share of the merged update's energy that compression dropped.",
        share: { modules in
          let energy = modules.reduce(0) { $0 + $1.energy }
          return energy > 0 ? modules.reduce(0) { $0 + $1.discardedEnergy } / energy : 0
        }),
      DataTable(
        caption: "Ranks and energies by module",
        headings: ["module", "ranks in", "rank out", "norm", "energy", "energy dropped", "share dropped"],
        rows: grid.modules.map { module in
          [
            .text(module.name), .range(module.inputRanks), .whole(module.rank), .number(module.norm, norms),
            .number(module.energy, energies), .number(module.discardedEnergy, energies),
            .number(module.discardedShare, shares),
          ]
        }))
  }
}
