import CluesPluginABI
import Diagnostics

/// What a merge method is applied to.
public enum Space: String, Sendable, CaseIterable {
  /// Nothing but coefficients: the sum is exact.
  case stack
  /// The deltas in a common small basis.
  case core
  /// The dense deltas.
  case delta
  /// A and B apart.
  case factors

  var abi: clues_space {
    switch self {
    case .stack: CLUES_SPACE_STACK
    case .core: CLUES_SPACE_CORE
    case .delta: CLUES_SPACE_DELTA
    case .factors: CLUES_SPACE_FACTORS
    }
  }
}

/// A merge method of a loaded library.
public struct MergeMethodPlugin: @unchecked Sendable {
  public let about: PluginDescription
  public let minimumInputs: Int
  public let maximumInputs: Int
  public let spaces: [Space]
  public let defaultSpace: Space
  /// Whether the result is a weighted sum of the inputs, which the host works out by itself.
  public let isLinear: Bool
  public let wantsInnerProducts: Bool
  public let wantsAdapterInnerProducts: Bool
  /// How often the method must see the whole adapter before it merges; 0 for most.
  public let surveyPasses: Int
  // Static in a library that is never unloaded, and never written: this is why the type is Sendable.
  private let table: UnsafePointer<clues_merge_method>

  init(_ table: UnsafePointer<clues_merge_method>, in library: PluginIdentity) throws {
    let method = try sized(table, CLUES_MERGE_METHOD_SIZE, "a merge method")
    about = try PluginDescription(method.about, kind: .mergeMethod, in: library)
    guard method.create != nil, method.destroy != nil, method.coefficients != nil || method.merge != nil else {
      throw Failure(
        .pluginFailed, "its merge method '\(about.id)' lacks create, destroy, or both coefficients and merge")
    }
    isLinear = method.coefficients != nil
    // Without coefficients there is nothing to stack.
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
        .pluginFailed, "its merge method '\(about.id)' has coefficients and a survey, which do not go together")
    }
    guard method.survey_passes <= 16 else {
      throw Failure(
        .pluginFailed,
        "its merge method '\(about.id)' wants \(method.survey_passes) passes over the adapter; 16 are the most")
    }
    surveyPasses = Int(method.survey_passes)
    guard method.maximum_inputs == 0 || method.minimum_inputs <= method.maximum_inputs else {
      throw Failure(
        .pluginFailed,
        "its merge method '\(about.id)' wants at least \(method.minimum_inputs) and at most \(method.maximum_inputs) inputs"
      )
    }
    let productFlags = CLUES_MERGE_WANTS_INNER_PRODUCTS.rawValue | CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS.rawValue
    guard method.coefficients != nil || method.flags & productFlags == 0 else {
      throw Failure(
        .pluginFailed, "its merge method '\(about.id)' wants inner products, which go to coefficients, and has none")
    }
    defaultSpace = preferred
    minimumInputs = max(1, Int(method.minimum_inputs))
    maximumInputs = method.maximum_inputs == 0 ? .max : Int(method.maximum_inputs)
    wantsInnerProducts = method.flags & CLUES_MERGE_WANTS_INNER_PRODUCTS.rawValue != 0
    wantsAdapterInnerProducts = method.flags & CLUES_MERGE_WANTS_ADAPTER_INNER_PRODUCTS.rawValue != 0
    self.table = table
  }

  /// A new instance; it serves one thread at a time.
  ///
  /// - throws: ``Failure`` with the plugin's text when it refuses the parameters.
  public func makeInstance(_ parameters: ParameterValues, services: HostServices) throws -> MergeMethodInstance {
    try MergeMethodInstance(table, about: about, parameters: parameters, services: services)
  }
}

/// One module, or one factor of it, of the clients that have it.
public struct MergeUnit {
  public var module: String
  public var space: Space
  public var part: Part
  public var rows: Int
  public var columns: Int
  public var inputs: [Input]
  /// <ΔW_i, ΔW_j> of this module, row-major; empty unless the method wants them.
  public var innerProducts: [Double]
  /// The same summed over all modules.
  public var adapterInnerProducts: [Double]
  /// What the passes over the adapter brought so far.
  public var survey: Survey?

  public enum Part: UInt32, Sendable {
    case whole, a, b
  }

  /// One client's share; `values` is row-major and outlives the call.
  public struct Input {
    public var client: String
    /// The client's place among all clients of the merge.
    public var index: Int
    public var weight: Double
    public var stream: UInt64
    public var values: UnsafePointer<Float>?

    public init(client: String, index: Int, weight: Double, stream: UInt64, values: UnsafePointer<Float>? = nil) {
      self.client = client
      self.index = index
      self.weight = weight
      self.stream = stream
      self.values = values
    }
  }

  public init(
    module: String, space: Space, part: Part = .whole, rows: Int = 0, columns: Int = 0, inputs: [Input],
    innerProducts: [Double] = [], adapterInnerProducts: [Double] = [], survey: Survey? = nil
  ) {
    self.module = module
    self.space = space
    self.part = part
    self.rows = rows
    self.columns = columns
    self.inputs = inputs
    self.innerProducts = innerProducts
    self.adapterInnerProducts = adapterInnerProducts
    self.survey = survey
  }
}

/// A merge method at work; used by one thread at a time.
public final class MergeMethodInstance {
  private let table: UnsafePointer<clues_merge_method>
  private let instance: HostedInstance

  fileprivate init(
    _ table: UnsafePointer<clues_merge_method>, about: PluginDescription, parameters: ParameterValues,
    services: HostServices
  ) throws {
    self.table = table
    instance = try HostedInstance(
      of: about, parameters, services: services, create: { table.pointee.create(table, $0, $1, $2) },
      destroy: table.pointee.destroy)
  }

  private var face: HostFace { instance.face }
  private var pointer: UnsafeMutableRawPointer? { instance.pointer }

  /// The coefficients of a linear method, one for each input.
  public func coefficients(_ unit: MergeUnit) throws -> [Double] {
    var coefficients = [Double](repeating: .nan, count: unit.inputs.count)
    let arena = Arena()
    try withExtendedLifetime(arena) {
      let unit = unit.table(in: arena)
      try face.call { table.pointee.coefficients(pointer, unit, &coefficients) }
    }
    guard coefficients.allSatisfy(\.isFinite) else {
      throw Failure(.pluginFailed, "plugin '\(face.plugin)' gave a coefficient that is not a finite number")
    }
    return coefficients
  }

  /// How large a record of a survey is for a merge of so many clients; 0 when the parameters need no survey.
  ///
  /// Due before ``survey(_:pass:into:)`` and ``combine(_:with:pass:)``.
  public func surveySize(clients: Int) throws -> Int {
    guard let survey = table.pointee.survey_size, table.pointee.survey_passes > 0 else { return 0 }
    let size = survey(pointer, UInt32(clients))
    guard size <= Survey.largestRecord else {
      throw Failure(
        .pluginFailed,
        "plugin '\(face.plugin)' wants a survey of \(size) bytes, and \(Survey.largestRecord) are the most")
    }
    return Int(size)
  }

  /// Shows a unit to the plugin, which adds it to a record.
  public func survey(_ unit: MergeUnit, pass: Int, into record: SurveyRecord) throws {
    let arena = Arena()
    try withExtendedLifetime((arena, unit.survey)) {
      let unit = unit.table(in: arena)
      try face.call { table.pointee.survey(pointer, unit, UInt32(pass), record.start) }
    }
  }

  /// Adds `other` to `record`.
  public func combine(_ record: SurveyRecord, with other: SurveyRecord, pass: Int) throws {
    try face.call { table.pointee.combine(pointer, UInt32(pass), record.start, other.start) }
  }

  /// Fills `output`, `rows` × `columns` elements that overlap no input, with the merged matrix.
  public func merge(_ unit: MergeUnit, into output: UnsafeMutablePointer<Float>) throws {
    let arena = Arena()
    try withExtendedLifetime((arena, unit.survey)) {
      let target = matrix(
        output, rows: unit.rows, columns: unit.columns, flags: CLUES_TENSOR_WRITABLE.rawValue, in: arena)
      let unit = unit.table(in: arena)
      try face.call { table.pointee.merge(pointer, unit, target) }
    }
  }
}

extension MergeUnit {
  fileprivate func table(in arena: Arena) -> UnsafePointer<clues_merge_unit> {
    let inputs = self.inputs.map { input -> UnsafePointer<clues_merge_input>? in
      var item = clues_merge_input()
      item.struct_size = CLUES_MERGE_INPUT_SIZE
      item.client = arena.text(input.client)
      item.index = UInt32(input.index)
      item.weight = input.weight
      item.stream = input.stream
      item.value = input.values.map {
        matrix(UnsafeMutablePointer(mutating: $0), rows: rows, columns: columns, flags: 0, in: arena)
      }
      return arena.value(item)
    }
    var unit = clues_merge_unit()
    unit.struct_size = CLUES_MERGE_UNIT_SIZE
    unit.space = space.abi
    unit.module = arena.text(module)
    unit.part = clues_part(rawValue: part.rawValue)
    unit.input_count = UInt32(inputs.count)
    unit.inputs = arena.array(inputs)
    unit.inner_products = innerProducts.isEmpty ? nil : arena.array(innerProducts)
    unit.adapter_inner_products = adapterInnerProducts.isEmpty ? nil : arena.array(adapterInnerProducts)
    unit.survey = survey.map { UnsafeRawPointer($0.start) }
    unit.survey_size = UInt64(survey?.recordSize ?? 0)
    return arena.value(unit)
  }
}

private func matrix(
  _ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, flags: UInt32, in arena: Arena
) -> UnsafePointer<clues_tensor> {
  var tensor = clues_tensor()
  tensor.struct_size = CLUES_TENSOR_SIZE
  tensor.dtype = CLUES_F32
  tensor.rank = 2
  tensor.flags = flags | CLUES_TENSOR_CONTIGUOUS.rawValue
  tensor.shape = arena.array([Int64(rows), Int64(columns)])
  tensor.strides = arena.array([Int64(columns), 1])
  tensor.data = UnsafeMutableRawPointer(values)
  return arena.value(tensor)
}
