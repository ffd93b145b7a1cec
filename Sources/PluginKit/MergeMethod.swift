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
/// The host works the sum out exactly in any space, without dense matrices.
public protocol LinearMergeMethod: AnyMergeMethod {
  /// The inner products that ``coefficients(_:)`` wants to see; none by default.
  static var innerProducts: InnerProducts { get }

  /// One coefficient for each input.
  func coefficients(_ unit: MergeUnit) throws -> [Double]
}

/// What linear and other merge methods have in common.
public protocol AnyMergeMethod: PluginEntry {
  /// How many inputs it takes; any number from one by default.
  static var inputCounts: ClosedRange<Int> { get }

  /// The spaces in which the method means something; all by default.
  static var spaces: [clues_space] { get }

  /// The space it works in unless the recipe says otherwise.
  static var defaultSpace: clues_space { get }
}

/// Which inner products of the clients' deltas a linear method sees.
public enum InnerProducts {
  case none
  /// Those of the module at hand.
  case module
  /// Those summed over all modules.
  case adapter
}

extension AnyMergeMethod {
  public static var inputCounts: ClosedRange<Int> { 1...Int(UInt32.max) }
}

extension MergeMethod {
  public static var spaces: [clues_space] { [CLUES_SPACE_CORE, CLUES_SPACE_DELTA, CLUES_SPACE_FACTORS] }
  public static var defaultSpace: clues_space { CLUES_SPACE_DELTA }
}

extension LinearMergeMethod {
  public static var innerProducts: InnerProducts { .none }
  public static var spaces: [clues_space] {
    [CLUES_SPACE_STACK, CLUES_SPACE_CORE, CLUES_SPACE_DELTA, CLUES_SPACE_FACTORS]
  }
  public static var defaultSpace: clues_space { CLUES_SPACE_STACK }
}

/// One module, or one factor of it, of all clients that have it; valid only during the call.
public struct MergeUnit {
  /// The module's name, such as `model.layers.3.self_attn.q_proj`.
  public let module: String
  public let space: clues_space
  public let part: clues_part
  public let inputs: [MergeInput]
  public let host: Host
  private let table: clues_merge_unit

  /// <ΔW_i, ΔW_j> as the method asked for in ``LinearMergeMethod/innerProducts``.
  public func innerProduct(_ i: Int, _ j: Int) -> Double {
    (table.inner_products ?? table.adapter_inner_products)[i * inputs.count + j]
  }

  init(_ table: clues_merge_unit, host: Host) throws {
    self.table = table
    self.host = host
    module = String(cString: table.module)
    space = table.space
    part = table.part
    inputs = try (0..<Int(table.input_count)).map { try MergeInput(table.inputs[$0]!.pointee) }
  }
}

/// One client's share in a unit.
public struct MergeInput {
  public let client: String
  public let weight: Double

  /// The random stream of seed, client, module and part.
  public let stream: UInt64

  /// The matrix; empty in calls for coefficients.
  public let matrix: MatrixView

  init(_ table: clues_merge_input) throws {
    client = String(cString: table.client)
    weight = table.weight
    stream = table.stream
    matrix = try table.value.map { try MatrixView($0) } ?? .empty
  }
}
