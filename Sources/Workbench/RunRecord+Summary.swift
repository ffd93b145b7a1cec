extension RunRecord {
  /// What a run made of what, in lines of at most 80 columns.
  public var summary: String {
    var parts: [String] = []
    if let selection = scored?.selection { parts.append(selection.text) }
    if let merge {
      var table = Table(["client", "weight", "rank", "modules", "checkpoint"])
      for client in clients {
        table.add(
          client.name, short(client.weight), span([client.rank.lowerBound, client.rank.upperBound]),
          "\(client.moduleCount)", client.step.map { "\($0)" } ?? "final")
      }
      var result = Table()
      result.add("method", "\(merge.method) in space \(merge.space)")
      result.add("modules", "\(merge.modules.count), rank \(span(merge.modules.map(\.rank))), \(merge.dtype)")
      result.add("norm", short(merge.modules.reduce(0) { $0 + $1.energy }.squareRoot()))
      if merge.clients.count > 1 {
        let count = merge.clients.count
        let pairs = (0..<count * count).filter { $0 / count < $0 % count }.map { merge.cosines[$0] }
        result.add(
          "alike",
          "cosines \(short(pairs.min() ?? 0)) to \(short(pairs.max() ?? 0)); both signs at "
            + percent(merge.signConflict) + " of the entries")
      }
      let partial = merge.modules.count { $0.coverage < 1 }
      if partial > 0 { result.add("coverage", "\(partial) modules are not with every client") }
      result.add("left out", merge.discardedShare > 0 ? percent(merge.discardedShare) + " of the energy" : "nothing")
      parts += [table.text, result.text]
    }
    return parts.joined(separator: "\n\n")
  }
}
