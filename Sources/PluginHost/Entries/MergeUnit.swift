import CluesPluginABI

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
  /// The results of the passes over the adapter so far.
  public var survey: Survey?

  public enum Part: UInt32, Sendable {
    case whole, a, b
  }

  /// Writes some rows of a matrix to memory that has room for them.
  public typealias RowReader = (Range<Int>, UnsafeMutablePointer<Float>) throws -> Void

  /// One client's share; `values` is row-major and outlives the call.
  public struct Input {
    public var client: String
    /// The client's index among all clients of the merge.
    public var index: Int
    public var weight: Double
    public var stream: UInt64
    public var values: UnsafePointer<Float>?
    var source = Source.here

    /// Where the values are.
    enum Source {
      /// In this process.
      case here
      /// In the memory that the plugin sees: ``values`` is their address there.
      case lent
      /// Nowhere: the plugin reads rows.
      case rows
    }

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

extension MergeUnit {
  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_merge_unit> {
    var table = empty(clues_merge_unit.self)
    table.space = space.abi
    table.module = memory.text(module)
    table.part = clues_part(rawValue: part.rawValue)
    table.input_count = UInt32(inputs.count)
    table.inputs = memory.list("the list of inputs", inputs.map { $0.lent(rows: rows, columns: columns, in: memory) })
    table.inner_products = memory.optionalArray("the inner products", innerProducts)
    table.adapter_inner_products = memory.optionalArray("the adapters' inner products", adapterInnerProducts)
    table.survey = survey.map { memory.lend($0.start, size: $0.size) }
    table.survey_size = UInt64(survey?.recordSize ?? 0)
    return memory.table("the unit", table)
  }
}

extension MergeUnit.Input {
  fileprivate func lent(rows: Int, columns: Int, in memory: some ContractMemory) -> UnsafePointer<clues_merge_input> {
    var table = empty(clues_merge_input.self)
    table.client = memory.text(client)
    table.index = UInt32(index)
    table.weight = weight
    table.stream = stream
    if values != nil || source == .rows {
      let data = source == .here ? memory.floats(values, count: rows * columns) : values
      table.value = memory.tensor(data, rows: rows, columns: columns)
    }
    return memory.table("an input", table)
  }
}
