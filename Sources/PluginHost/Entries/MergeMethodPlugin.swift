import CluesPluginABI
import Diagnostics

/// A merge method of a library.
public struct MergeMethodPlugin: Sendable {
  public let about: PluginDescription
  public let minimumInputs: Int
  public let maximumInputs: Int
  public let spaces: [Space]
  public let defaultSpace: Space
  /// Whether the result is a weighted sum of the inputs, which the host computes itself.
  public let isLinear: Bool
  public let wantsInnerProducts: Bool
  public let wantsAdapterInnerProducts: Bool
  /// How often the method must see the whole adapter before it merges; 0 for most.
  public let surveyPasses: Int
  /// Whether the method can merge some rows of all inputs at a time; some parameters may still require whole matrices.
  public let mergesRows: Bool
  /// Whether its survey accepts units piece by piece.
  public let surveysRows: Bool
  package let code: PluginCode

  init(_ table: UnsafePointer<clues_merge_method>, in library: PluginIdentity) throws {
    let method = try sized(table, CLUES_MERGE_METHOD_SIZE, "a merge method")
    about = try PluginDescription(method.about, kind: .mergeMethod, in: library)
    guard method.create != nil, method.destroy != nil, method.coefficients != nil || method.merge != nil else {
      throw Failure(
        .pluginFailed, "its merge method '\(about.id)' lacks create, destroy, or both coefficients and merge")
    }
    isLinear = method.coefficients != nil
    // Without coefficients nothing can be stacked.
    spaces = Space.allCases.filter {
      method.spaces & $0.abi.rawValue != 0 && ($0 != .stack || method.coefficients != nil)
    }
    guard let preferred = spaces.first(where: { $0.abi == method.default_space }) else {
      throw Failure(.pluginFailed, "its merge method '\(about.id)' does not work in its own default space")
    }
    guard method.merge == nil || method.dtypes & (1 << CLUES_F32.rawValue) != 0 else {
      throw Failure(.pluginFailed, "its merge method '\(about.id)' does not take float32")
    }
    guard method.survey_passes == 0 || (method.survey != nil && method.survey_size != nil && method.combine != nil)
    else {
      throw Failure(.pluginFailed, "its merge method '\(about.id)' lacks a function of its survey")
    }
    guard method.survey_passes == 0 || method.coefficients == nil else {
      throw Failure(
        .pluginFailed, "its merge method '\(about.id)' has both coefficients and a survey, which cannot be combined")
    }
    guard method.survey_passes <= 16 else {
      throw Failure(
        .pluginFailed,
        "its merge method '\(about.id)' wants \(method.survey_passes) passes over the adapter, more than the limit of 16"
      )
    }
    let rowFunctions = [method.note_size != nil, method.note != nil, method.merge_rows != nil]
    guard !rowFunctions.contains(true) || (!rowFunctions.contains(false) && method.merge != nil) else {
      throw Failure(
        .pluginFailed, "its merge method '\(about.id)' lacks one of merge, note_size, note and merge_rows")
    }
    surveyPasses = Int(method.survey_passes)
    mergesRows = method.merge_rows != nil
    surveysRows = method.flags & CLUES_MERGE_SURVEYS_ROWS.rawValue != 0
    guard method.maximum_inputs == 0 || method.minimum_inputs <= method.maximum_inputs else {
      throw Failure(
        .pluginFailed,
        "its merge method '\(about.id)' wants at least \(method.minimum_inputs) and at most \(method.maximum_inputs) inputs"
      )
    }
    let productFlags = CLUES_MERGE_WANTS_INNER_PRODUCTS.rawValue | CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS.rawValue
    guard method.coefficients != nil || method.flags & productFlags == 0 else {
      throw Failure(
        .pluginFailed, "its merge method '\(about.id)' wants inner products but has no coefficients, which receive them"
      )
    }
    defaultSpace = preferred
    minimumInputs = max(1, Int(method.minimum_inputs))
    maximumInputs = method.maximum_inputs == 0 ? .max : Int(method.maximum_inputs)
    wantsInnerProducts = method.flags & CLUES_MERGE_WANTS_INNER_PRODUCTS.rawValue != 0
    wantsAdapterInnerProducts = method.flags & CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS.rawValue != 0
    code = .here(.method(table))
  }

  /// A new instance, for one thread at a time.
  ///
  /// - throws: ``Failure`` with the plugin's text if it refuses the parameters.
  public func makeInstance(_ parameters: ParameterValues, services: HostServices) throws -> MergeMethodInstance {
    MergeMethodInstance(try code.instance(of: about, parameters, services))
  }
}
