import Tensors

/// The rank with which each module of a result is written.
///
/// A and B may be padded with zeros to a larger rank, which does not change B·A. Some programs need that: llama.cpp
/// divides one alpha by the rank of each module, and PEFT itself gives some modules a common rank (``PEFTRules``).
public struct RankLayout: Sendable {
  /// The layout of the modules' ranks.
  public enum Style: String, Sendable {
    /// One rank everywhere.
    case uniform
    /// Every module has the rank it needs, as far as PEFT allows.
    case exact
  }

  /// What the layout needs to know about a module.
  public struct Module: Sendable {
    public let name: String
    /// The rank that it needs.
    public let rank: Int
    /// How many numbers A and B have for each rank.
    public let width: Int

    public init(name: String, rank: Int, width: Int) {
      self.name = name
      self.rank = rank
      self.width = width
    }
  }

  /// Whether all modules are written with one rank.
  public let style: Style

  /// The share of additional parameters if all modules have one rank.
  public let uniformCost: Double

  /// The rank `r` of the config.
  public let rank: Int

  private let ranks: [String: Int]

  /// One rank is used if it costs less than this.
  public static let affordableCost = 0.1

  /// - parameter style: As requested; nil for one rank if that costs little.
  public init(_ modules: [Module], style: Style? = nil) {
    let exact = Self.exact(modules)
    let largest = exact.values.max() ?? 8
    func count(_ rank: (String) -> Int) -> Double {
      modules.reduce(0) { $0 + Double(rank($1.name)) * Double($1.width) }
    }
    let least = count { exact[$0, default: largest] }
    uniformCost = least > 0 ? count { _ in largest } / least - 1 : 0
    let isEven = exact.values.allSatisfy { $0 == largest }
    self.style = isEven ? .uniform : style ?? (uniformCost < Self.affordableCost ? .uniform : .exact)
    ranks = self.style == .uniform ? exact.mapValues { _ in largest } : exact
    // Patterns cannot match experts. Otherwise the most common rank, so that patterns list only exceptions; the smaller one
    // of two equally common.
    let counts = Dictionary(grouping: ranks.values) { $0 }.mapValues(\.count)
    let commonest = counts.min { ($1.value, $0.key) < ($0.value, $1.key) }?.key
    rank = PEFTRules.experts(among: modules.map(\.name)).first.flatMap { [ranks] in ranks[$0] } ?? commonest ?? largest
  }

  /// The smallest and the largest written rank.
  public var extremes: ClosedRange<Int> { (ranks.values.min() ?? rank)...(ranks.values.max() ?? rank) }

  /// The rank with which a module is written.
  public func rank(of module: String) -> Int? { ranks[module] }

  /// The ranks that modules need, made equal where PEFT has a common rank for several.
  private static func exact(_ modules: [Module]) -> [String: Int] {
    let experts = PEFTRules.experts(among: modules.map(\.name))
    func group(_ name: String) -> String { experts.contains(name) ? "experts" : "." + PEFTRules.key(of: name) }
    let most = Dictionary(modules.map { (group($0.name), $0.rank) }, uniquingKeysWith: max)
    return Dictionary(
      modules.map { ($0.name, most[group($0.name), default: $0.rank]) }, uniquingKeysWith: { first, _ in first })
  }
}

extension MergedAdapter.Module {
  /// What the layout needs to know about the module.
  var extent: RankLayout.Module {
    RankLayout.Module(name: name, rank: neededRank, width: (a.count + b.count) / max(rank, 1))
  }

  /// The same update with A and B of another rank: padded with zeros, or with padding removed.
  ///
  /// - precondition: `rank` is at least ``neededRank``.
  public func written(withRank rank: Int) -> Self {
    precondition(rank >= neededRank, "a module cannot be cut below the rank it needs")
    guard rank != self.rank else { return self }
    let kept = min(rank, self.rank)
    let row = a.bytes.count / self.rank
    let wideA = a.bytes.withUnsafeBytes { source in
      var bytes = [UInt8](repeating: 0, count: rank * row)
      bytes.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<(kept * row)])) }
      return bytes
    }
    let size = b.dtype.size
    let (old, new) = (self.rank * size, rank * size)
    let wideB = b.bytes.withUnsafeBytes { source in
      var bytes = [UInt8](repeating: 0, count: b.shape[0] * new)
      bytes.withUnsafeMutableBytes { target in
        for output in 0..<b.shape[0] {
          UnsafeMutableRawBufferPointer(rebasing: target[(output * new)...]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: source[(output * old)..<(output * old + kept * size)]))
        }
      }
      return bytes
    }
    return Self(
      name: name, kind: kind,
      a: Tensor(dtype: a.dtype, shape: [rank] + a.shape.dropFirst(), bytes: Bytes(wideA)),
      b: Tensor(dtype: b.dtype, shape: [b.shape[0], rank] + b.shape.dropFirst(2), bytes: Bytes(wideB)), bias: bias,
      neededRank: neededRank)
  }
}
