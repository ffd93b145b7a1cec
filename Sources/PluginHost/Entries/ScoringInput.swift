/// One client at one checkpoint, as a scorer sees it. Pointers outlive the checkpoint.
public struct ScoringCheckpoint {
  public var alternative: Int
  public var client: String
  public var step: Int
  public var index: Int
  public var count: Int
  public var learningRate = Double.nan
  public var betas = (Double.nan, Double.nan)
  public var epsilon = Double.nan
  public var optimizerStep = Double.nan
  public var splits: [Split]
  public var ids: [String]
  public var domains: [String] = []
  public var ownDomain: Int?
  /// For every domain, the norm of each validation gradient.
  public var validationNorms: [[Double]] = []
  public var tensorCount = 0
  public var columns: [(name: String, values: [Double])] = []

  public init(
    alternative: Int, client: String, step: Int, index: Int, count: Int, splits: [Split], ids: [String]
  ) {
    self.alternative = alternative
    self.client = client
    self.step = step
    self.index = index
    self.count = count
    self.splits = splits
    self.ids = ids
  }
}

/// One LoRA parameter, as a scorer sees it. Pointers outlive the tensor.
public struct ScoringTensor {
  public var name: String
  public var index: Int
  public var elementCount: Int
  public var firstMoment: UnsafePointer<Float>?
  public var secondMoment: UnsafePointer<Float>?
  public var validationMeans: [UnsafePointer<Float>?] = []
  public var validationSamples: [UnsafePointer<Float>?] = []

  public init(name: String, index: Int, elementCount: Int) {
    self.name = name
    self.index = index
    self.elementCount = elementCount
  }
}

/// All adapters of all clients, for scorers of clients.
public struct ScoringCollection {
  public var clients: [String]
  public var anchors: [Bool]
  /// The client of every adapter; ordered by client, then step.
  public var owners: [Int]
  public var steps: [Int]
  /// <ΔW_i, ΔW_j> over all modules, row-major.
  public var innerProducts: [Double]

  public init(clients: [String], anchors: [Bool], owners: [Int], steps: [Int], innerProducts: [Double]) {
    self.clients = clients
    self.anchors = anchors
    self.owners = owners
    self.steps = steps
    self.innerProducts = innerProducts
  }
}
