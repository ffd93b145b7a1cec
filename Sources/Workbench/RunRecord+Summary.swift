extension RunRecord {
  /// What a run made of what, in lines of at most 80 columns.
  public var summary: String {
    var table = Table(["client", "weight", "rank", "modules", "checkpoint"])
    for client in clients {
      table.add(
        client.name, short(client.weight), span([client.rank.lowerBound, client.rank.upperBound]),
        "\(client.moduleCount)", client.step.map { "\($0)" } ?? "final")
    }
    var result = Table()
    result.add("method", "\(method) in space \(space)")
    result.add("modules", "\(modules.count), rank \(span(modules.map(\.rank))), \(dtype)")
    result.add("norm", short(modules.reduce(0) { $0 + $1.energy }.squareRoot()))
    result.add("left out", discardedShare > 0 ? percent(discardedShare) + " of the energy" : "nothing")
    return table.text + "\n\n" + result.text
  }
}
