/// A function from n matrices of one shape and n weights to one matrix of that shape.
///
/// For example, the coordinate-wise median:
///
///     struct Median: MergeMethod {
///       static let id = "median", summary = "Coordinate-wise median of the clients' matrices."
///       func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
///         for place in output.elements.indices {
///           let values = unit.inputs.map { $0.matrix.elements[place] }.sorted()
///           output.elements[place] = (values[(values.count - 1) / 2] + values[values.count / 2]) / 2
///         }
///       }
///     }
public protocol MergeMethod: AnyMergeMethod {
  /// Fills `output`, which overlaps no input, with the merged matrix.
  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws
}

/// A merge method whose result is a weighted sum of its inputs.
///
/// The host computes the sum exactly in any space, without dense matrices.
public protocol LinearMergeMethod: AnyMergeMethod {
  /// The inner products that ``coefficients(_:)`` needs; none by default.
  static var innerProducts: InnerProducts { get }

  /// One coefficient for each input, in order.
  func coefficients(_ unit: MergeUnit) throws -> [Double]
}

/// What linear and other merge methods have in common.
public protocol AnyMergeMethod: PluginEntry {
  /// The number of inputs that it accepts; any number from one by default.
  static var inputCounts: ClosedRange<Int> { get }

  /// The spaces in which the method is meaningful; all by default.
  static var spaces: Set<MergeSpace> { get }

  /// The space that it works in by default.
  static var defaultSpace: MergeSpace { get }
}

/// What a merge method is applied to.
public enum MergeSpace: CaseIterable, Sendable {
  /// Only coefficients: the sum is exact.
  case stack
  /// The deltas in a small basis that all clients share.
  case core
  /// The dense deltas.
  case delta
  /// The factors A and B separately, in two calls.
  case factors
}

extension MergeSpace: CCounterpart {
  var cValue: clues_space {
    switch self {
    case .stack: CLUES_SPACE_STACK
    case .core: CLUES_SPACE_CORE
    case .delta: CLUES_SPACE_DELTA
    case .factors: CLUES_SPACE_FACTORS
    }
  }
}

/// The inner products of the clients' deltas that a linear method receives.
public struct InnerProducts: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Those of the current module.
  public static let module = InnerProducts(rawValue: CLUES_MERGE_WANTS_INNER_PRODUCTS.rawValue)

  /// Those summed over all modules.
  public static let adapter = InnerProducts(rawValue: CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS.rawValue)
}

extension AnyMergeMethod {
  public static var inputCounts: ClosedRange<Int> { 1...Int(UInt32.max) }
}

extension MergeMethod {
  public static var spaces: Set<MergeSpace> { [.core, .delta, .factors] }
  public static var defaultSpace: MergeSpace { .delta }
}

extension LinearMergeMethod {
  public static var innerProducts: InnerProducts { [] }
  public static var spaces: Set<MergeSpace> { [.stack, .core, .delta, .factors] }
  public static var defaultSpace: MergeSpace { .stack }
}
