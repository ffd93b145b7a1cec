import Diagnostics
import Merging
import Records
import Runs

extension RunOutcome {
  /// The outcome of a run: one line per client, then figures for all.
  public func summary(_ page: PageLayout = PageLayout()) -> String {
    var parts = [table.text(page)]
    if let merge, merge.clients.count > 1 { parts.append(updates(merge).text(page)) }
    if let shortfalls = scored?.selection?.shortfallText(page) { parts.append(shortfalls) }
    var facts = Facts()
    if let selection = scored?.selection {
      selection.describe(in: &facts)
      selection.describeCertainty(in: &facts)
    }
    if let merge { describe(merge, in: &facts) }
    let text = facts.text(columns: page.columns)
    if !text.isEmpty { parts.append(text) }
    if let remark = scored?.selection?.offsetRemark { parts.append(wrapped(remark, to: page.columns)) }
    return parts.joined(separator: "\n\n")
  }

  /// Clients with their samples, if there is a selection, and with their weights, if there is a merge.
  private var table: Table {
    let shares = scored?.selection?.clients ?? []
    let merged = Dictionary(uniqueKeysWithValues: clients.map { ($0.name, $0) })
    let names = scored.map(\.table.clients) ?? clients.map(\.name)
    var header = ["client"]
    if scored != nil { header.append("samples") }
    if !shares.isEmpty { header += ["kept", "share"] }
    if merge != nil { header += ["weight", "rank", "modules", "step"] }
    var table = Table(header, numbers: 1..<header.count)
    for name in names {
      var row = [name]
      if let scored { row.append("\(scored.table.rows.count { $0.client == name && $0.isTrain })") }
      if let share = shares.first(where: { $0.client == name }) {
        row += ["\(share.kept)", percent(share.keptShare)]
      }
      if merge != nil {
        row +=
          merged[name].map { client in
            [
              short(client.weight), span([client.rank.lowerBound, client.rank.upperBound]), "\(client.moduleCount)",
              client.step.map { "\($0)" } ?? "final",
            ]
          } ?? ["not merged"]
      }
      table.add(row)
    }
    return table
  }

  /// How the clients' updates compare with each other and with the result.
  private func updates(_ merge: MergeFigures) -> Table {
    let isLinear = merge.figures.contains { $0.coefficients != nil }
    let header = ["client", "norm", "cos(result)", "cos(others)"] + (isLinear ? ["coefficient"] : [])
    var table = Table(header, numbers: 1..<header.count)
    for (client, suspicion) in zip(merge.figures, merge.suspicions) {
      let coefficient = client.coefficients.map { range in
        let ends = [short(range.lowerBound), short(range.upperBound)]
        return ends[0] == ends[1] ? ends[0] : "\(ends[0]) to \(ends[1])"
      }
      table.add(
        [
          client.client, short(client.norm), cosineText(client.cosineWithResult), cosineText(client.cosineWithOthers),
        ] + (isLinear ? [coefficient ?? "–"] : []) + (suspicion.reasons.isEmpty ? [] : ["stands out"]))
    }
    return table
  }

  /// How similar the clients are and where they disagree, over the modules that they share.
  private func compare(_ merge: MergeFigures, in facts: inout Facts) {
    guard merge.sharedModules > 0 else { return facts.add("alike", "no two clients share a module") }
    let count = merge.clients.count
    let pairs = (0..<count * count).filter { $0 / count < $0 % count }.compactMap { merge.cosines[$0] }
    let shared = "\(merge.sharedModules) shared module\(merge.sharedModules == 1 ? "" : "s")"
    if let least = pairs.min(), let most = pairs.max(), let modules = merge.modulesOfPairs {
      let over = span([modules.lowerBound, modules.upperBound])
      let ends = [cosineText(least), cosineText(most)]
      let cosines = ends[0] == ends[1] ? "cosine \(ends[0])" : "cosines \(ends[0]) to \(ends[1])"
      let isAll = modules == merge.sharedModules...merge.sharedModules
      facts.add(
        "alike",
        "\(cosines), over \(isAll ? shared : "\(over) of \(shared)")"
      )
    }
    facts.add("conflict", "both signs at \(percent(merge.signConflict)) of the entries, over \(shared)")
  }

  private func describe(_ merge: MergeFigures, in facts: inout Facts) {
    facts.add("method", "\(merge.method) in space \(merge.space)")
    let ranks = rankText(
      needed: merge.modules.map(\.rank),
      written: merge.modules.map { merge.ranks?.rank(of: $0.module) ?? $0.rank })
    facts.add("modules", "\(merge.modules.count), rank \(ranks), \(merge.dtype)")
    facts.add("norm", short(merge.modules.reduce(0) { $0 + $1.energy }.squareRoot()))
    if merge.clients.count > 1 { compare(merge, in: &facts) }
    let partial = merge.modules.count { $0.coverage < 1 }
    if partial > 0 { facts.add("coverage", "\(partial) modules are missing from some clients") }
    facts.add("discarded", merge.discardedShare > 0 ? percent(merge.discardedShare) + " of the energy" : "nothing")
  }
}
