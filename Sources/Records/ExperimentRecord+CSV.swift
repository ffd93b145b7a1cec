extension ExperimentRecord {
  /// All figures in long form: a line for the mean over seeds, and one for each seed where there are several.
  package var csv: String {
    var text = "table,share,arm,rule,merge,client,kind,figure,seed,value,low,high\n"
    func add(_ keys: [String?], _ name: String, _ figure: Figure?) {
      guard let figure else { return }
      func line(_ seed: String, _ values: [Double?]) {
        let cells = keys.map { Self.quoted($0 ?? "") } + [name, seed] + values.map { $0.map { "\($0)" } ?? "" }
        text += cells.joined(separator: ",") + "\n"
      }
      line("all", [figure.value, figure.interval?.first, figure.interval?.last])
      guard seeds.count > 1, figure.seeds.count == seeds.count else { return }
      for (seed, value) in zip(seeds, figure.seeds) { line("\(seed)", [value, nil, nil]) }
    }
    for row in losses {
      let keys = ["loss", row.share.map { "\($0)" }, row.arm ?? "base", nil, row.merge, row.client, nil]
      add(keys, "loss", row.loss)
      add(keys, "difference", row.difference)
      add(keys, "recovered", row.recovered)
    }
    for row in selections {
      let keys = ["selection", "\(row.share)", row.arm, row.rule, nil, row.client]
      for name in Selection.names { add(keys + [nil], name, row.figures[name]) }
      for kind in row.kept { add(keys + [kind.key], "bad_kept", kind.value) }
    }
    return text
  }

  private static func quoted(_ text: String) -> String {
    text.contains { ",\"\n\r".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
  }
}
