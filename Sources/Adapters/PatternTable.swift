import Diagnostics

/// `rank_pattern` or `alpha_pattern`: values by pattern; the first pattern in the file that matches counts.
///
/// An adapter whose modules differ in rank may have a pattern for each, so names are looked up. Only other patterns are
/// matched against every module. ``steps(for:)`` says how long that takes, since modules and patterns both come from an
/// untrusted file.
struct PatternTable: Sendable {
  private let patterns: [(pattern: ModulePattern, value: Double)]
  /// Names, by their number of scalars.
  private var names: [Int: [Shape: [[UInt32]: Int]]] = [:]
  private var others: [Int] = []

  /// What names must have in common to be looked up at once.
  private struct Shape: Hashable {
    let wildPlaces: [Int]
    let isWhole: Bool
  }

  init(_ patterns: [(pattern: ModulePattern, value: Double)]) {
    self.patterns = patterns
    for (place, entry) in patterns.enumerated() {
      guard let name = entry.pattern.name else {
        others.append(place)
        continue
      }
      let shape = Shape(wildPlaces: name.wildPlaces, isWhole: name.isWhole)
      let first = names[name.scalars.count]?[shape]?[name.scalars] ?? place
      names[name.scalars.count, default: [:]][shape, default: [:]][name.scalars] = first
    }
  }

  /// The value of the first pattern that matches one of a module's names.
  ///
  /// - parameter names: Not evaluated if there are no patterns, as in most configs.
  func value(of names: @autoclosure () -> [String]) -> Double? {
    patterns.isEmpty ? nil : names().compactMap(place).min().map { patterns[$0].value }
  }

  func value(of module: String) -> Double? { value(of: [module]) }

  private func place(of module: String) -> Int? {
    let named = names(matching: module).min()
    return others.first { place in place < named ?? .max && patterns[place].pattern.matches(module) } ?? named
  }

  /// The patterns that match none of the modules.
  func idle(among modules: [String]) -> [String] {
    var busy = Set(modules.flatMap { names(matching: $0) })
    for place in others where modules.contains(where: patterns[place].pattern.matches) { busy.insert(place) }
    return patterns.indices.filter { !busy.contains($0) }.map { patterns[$0].pattern.text }
  }

  /// The maximum number of steps for matching every module against the patterns.
  func steps(for modules: [String]) -> Int {
    if patterns.isEmpty { return 0 }
    let otherSteps = others.reduce(0) { $0 + patterns[$1].pattern.steps }
    var steps = 0
    for module in modules {
      let scalars = module.unicodeScalars.map(\.value)
      for start in Self.starts(of: scalars) {
        let count = scalars.count - start
        steps += count * (names[count]?.count ?? 0)
      }
      let (product, isTooLarge) = (scalars.count + 1).multipliedReportingOverflow(by: otherSteps)
      let (sum, overflow) = steps.addingReportingOverflow(product)
      if isTooLarge || overflow { return .max }
      steps = sum
    }
    return steps
  }

  /// The indices of the names that are the module's path or a suffix of it after a dot.
  private func names(matching module: String) -> [Int] {
    if names.isEmpty { return [] }
    let scalars = module.unicodeScalars.map(\.value)
    var found: [Int] = []
    for start in Self.starts(of: scalars) {
      for (shape, places) in names[scalars.count - start] ?? [:] where start == 0 || !shape.isWhole {
        var ending = Array(scalars[start...])
        for place in shape.wildPlaces where ending[place] != 0x0A { ending[place] = 0x2E }
        if let place = places[ending] { found.append(place) }
      }
    }
    return found
  }

  /// The start of the path, and the positions after its dots.
  private static func starts(of path: [UInt32]) -> [Int] {
    [0] + path.indices.filter { path[$0] == 0x2E && $0 + 1 < path.count }.map { $0 + 1 }
  }
}
