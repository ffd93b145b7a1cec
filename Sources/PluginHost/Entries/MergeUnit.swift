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
