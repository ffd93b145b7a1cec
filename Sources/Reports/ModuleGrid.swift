import Records

/// Modules arranged by layer and kind: `model.layers.3.self_attn.q_proj` has layer 3 and kind `q_proj`.
struct ModuleGrid {
  /// The layers in order; nil for modules without a number in their name.
  let layers: [Int?]
  /// The kinds by their shortest distinct suffix, in order of appearance.
  let kinds: [String]
  /// The modules of every kind (row) and layer (column); several if they differ by a further number, such as experts.
  let cells: [[[RunRecord.Module]]]

  /// All modules, layer by layer.
  var modules: [RunRecord.Module] { layers.indices.flatMap { layer in cells.flatMap { $0[layer] } } }

  init(_ modules: [RunRecord.Module]) {
    let places = modules.map { Self.place(of: $0.name) }
    let layers = Set(places.map(\.layer)).sorted { ($0 ?? .max) < ($1 ?? .max) }
    let columns = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1, $0) })
    var rows: [[String]: Int] = [:]
    var patterns: [[String]] = []
    var cells: [[[RunRecord.Module]]] = []
    for (module, (layer, pattern)) in zip(modules, places) {
      let row = rows[pattern] ?? cells.count
      if row == cells.count {
        rows[pattern] = row
        patterns.append(pattern)
        cells.append(Array(repeating: [], count: layers.count))
      }
      if let column = columns[layer] { cells[row][column].append(module) }
    }
    self.layers = layers
    kinds = Self.shortestEndings(patterns)
    self.cells = cells
  }

  /// The first number in a module's name, and the name with a star for every number.
  private static func place(of name: String) -> (layer: Int?, pattern: [String]) {
    var layer: Int?
    let pattern = name.split(separator: ".", omittingEmptySubsequences: false).map { part -> String in
      guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(part) else { return String(part) }
      layer = layer ?? number
      return "*"
    }
    return (layer, pattern)
  }

  private static func shortestEndings(_ patterns: [[String]]) -> [String] {
    // Names come from other people and may have any number of parts; nobody reads more than a few of them.
    let longest = 8
    var endings: [ArraySlice<String>: Int] = [:]
    for pattern in patterns {
      for length in 1...min(longest, pattern.count) { endings[pattern.suffix(length), default: 0] += 1 }
    }
    return patterns.map { pattern in
      let length = (1...min(longest, pattern.count)).first { endings[pattern.suffix($0)] == 1 } ?? pattern.count
      return pattern.suffix(length).joined(separator: ".")
    }
  }
}
