import PluginKit

// Examples/plugins holds the same two in C, C++, Rust and Swift. All add up in the same order and without fused
// operations, so they give the same results to the last bit.

/// The weighted sum of the clients, without the entries where they contradict each other.
struct AgreementMask: MergeMethod {
  static let id = "agreement-mask"
  static let summary = "The weighted sum of the clients, without the entries where they contradict each other."
  static let details = """
    The agreement of an entry is |Σ weight · value| / Σ |weight · value|: 1 where all clients pull in one direction, 0 \
    where they cancel out. Entries that agree less than threshold become 0; the others are scale · Σ weight · value.
    """
  static let reference = "after the AND-mask of Parascandolo et al. 2020 (arXiv 2009.00329), here by magnitude"
  static let spaces: Set<MergeSpace> = [.core, .delta]

  @Parameter("The agreement that an entry must reach to be kept.", in: 0...1) var threshold = 0.5
  @Parameter("A factor for the whole result.", in: 0...(.infinity)) var scale = 1.0

  func merge(_ unit: MergeUnit, into output: MutableMatrixView) throws {
    // Read once: a parameter is looked up whenever it is named.
    let (threshold, scale) = (threshold, scale)
    var shares = [Double](repeating: 0, count: unit.inputs.count)
    for row in 0..<output.rows {
      try unit.host.checkCancellation()
      for column in 0..<output.columns {
        for (place, input) in unit.inputs.enumerated() {
          shares[place] = input.weight * Double(input.matrix[row, column])
          guard shares[place].isFinite else {
            throw PluginError("client '\(input.client)' has a value that is not finite")
          }
        }
        // What is added up in the order of the values does not depend on that of the clients.
        shares.sort()
        var (positive, negative) = (0.0, 0.0)
        for share in shares {
          if share > 0 { positive += share } else { negative -= share }
        }
        let (sum, total) = (positive - negative, positive + negative)
        let isKept = total > 0 && abs(sum) / total >= threshold
        output[row, column] = isKept ? Float(scale * sum) : 0
      }
    }
  }
}

/// The cosine between a sample's gradient and the mean validation gradients.
struct ValidationCosine: Scorer {
  static let id = "validation-cosine"
  static let summary = "The cosine between a sample's gradient and the mean validation gradients."
  static let details = """
    Over all parameters together; the mean over the domains that count, then over the checkpoints.
    """

  enum Domains: String, ParameterChoice { case all, own }

  @Parameter("Whether all domains count, or the client's own alone.") var domains = Domains.all

  let needs = [Needs([.gradients, .validationMeans])]

  /// The domains that count.
  private var places: [Int] = []
  /// Their mean gradients with respect to the current parameter.
  private var means: [UnsafeBufferPointer<Float>] = []
  /// Of every domain ‖mean‖², of every sample ‖gradient‖², of every sample and domain ⟨gradient, mean⟩.
  private var meanSquares: [Double] = []
  private var squares: [Double] = []
  private var products: [Double] = []
  private var host: Host?

  mutating func begin(_ checkpoint: Checkpoint) throws {
    guard !checkpoint.domains.isEmpty else { throw PluginError("there are no validation gradients to compare with") }
    switch domains {
    case .all: places = Array(checkpoint.domains.indices)
    case .own:
      guard let own = checkpoint.ownDomain else {
        throw PluginError("no validation set bears the client's own domain")
      }
      places = [own]
    }
    host = checkpoint.host
    meanSquares = [Double](repeating: 0, count: places.count)
    squares = [Double](repeating: 0, count: checkpoint.sampleCount)
    products = [Double](repeating: 0, count: checkpoint.sampleCount * places.count)
  }

  mutating func begin(_ tensor: GradientTensor) {
    means = places.map { tensor.validationMean($0) }
    for (place, mean) in means.enumerated() {
      for element in mean { meanSquares[place] += Double(element) * Double(element) }
    }
  }

  mutating func update(_ rows: GradientRows) throws {
    for sample in rows.samples {
      try host?.checkCancellation()
      let gradient = rows[sample]
      var square = squares[sample]
      for element in gradient { square += Double(element) * Double(element) }
      squares[sample] = square
      for (place, mean) in means.enumerated() {
        var product = products[sample * places.count + place]
        for (element, mean) in zip(gradient, mean) { product += Double(element) * Double(mean) }
        products[sample * places.count + place] = product
      }
    }
  }

  func scores() -> [Score] { squares.indices.map(score) }

  private func score(_ sample: Int) -> Score {
    let square = squares[sample]
    guard square.isFinite else { return .unscored("its gradient is not finite") }
    guard square != 0 else { return .unscored("its gradient is zero") }
    var sum = 0.0
    for (place, meanSquare) in meanSquares.enumerated() {
      guard meanSquare.isFinite, meanSquare != 0 else {
        return .unscored("a mean validation gradient has no direction")
      }
      sum += products[sample * places.count + place] / (square.squareRoot() * meanSquare.squareRoot())
    }
    return .value(sum / Double(places.count))
  }

  func combine(_ checkpoints: [[Score]]) -> [Score] {
    mean(of: checkpoints).map { score in
      if case .unscored = score { .unscored("it has no score at one of the checkpoints") } else { score }
    }
  }
}

private let library = PluginLibrary(
  "agreement", version: "1.0.0", vendor: "Clues", license: "Apache-2.0", mergeMethods: [AgreementMask.self],
  scorers: [ValidationCosine.self])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
