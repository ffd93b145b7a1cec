import Tensors

/// The TIES family as the papers' formulas have it: sorted lists and plain loops in float64.
struct PruningOracle {
  var frequency = false
  var weightedElection = false
  /// What agreeing entries are divided by: "count", "weights", "none"; nil for a sum without election.
  var divide: String? = "count"
  var lambda = 1.0

  /// One client's pruned matrix, what it is multiplied with, and its weight.
  typealias Pruned = (values: [Float], scale: Double, weight: Double)

  func merge(_ inputs: [Pruned]) -> [Float] {
    inputs[0].values.indices.map { index in
      var votes = 0.0
      for (values, scale, weight) in inputs {
        let value = Double(values[index])
        let sign = value > 0 ? 1.0 : value < 0 ? -1 : 0
        votes += (frequency ? sign : scale * value) * (weightedElection ? weight : 1)
      }
      var (sum, divisor) = (0.0, 0.0)
      for (values, scale, weight) in inputs {
        let value = Double(values[index])
        if divide != nil, value == 0 || (value < 0) != (votes < 0) { continue }
        sum += scale * weight * value
        divisor += divide == "count" ? 1 : divide == "weights" ? weight : 0
      }
      return Float(lambda * sum / (divisor == 0 ? 1 : divisor))
    }
  }

  /// The places by falling magnitude, equal ones by index.
  static func order(_ values: [Float]) -> [Int] {
    values.indices.sorted { (-abs(values[$0]), $0) < (-abs(values[$1]), $1) }
  }

  static func keeping(_ places: some Sequence<Int>, of values: [Float]) -> [Float] {
    var kept = [Float](repeating: 0, count: values.count)
    for index in places { kept[index] = values[index] }
    return kept
  }

  static func largest(_ density: Double, of values: [Float]) -> [Float] {
    keeping(order(values).prefix(Int(density * Double(values.count))), of: values)
  }

  /// The random number between 0 and 1 of an entry: half a word of the stream each.
  static func draw(_ index: Int, of input: Input) -> Double {
    let pair = RandomStream(key: input.stream).block(UInt64(index / 4))
    let word = index / 2 % 2 == 0 ? pair.0 : pair.1
    return Double(index % 2 == 0 ? word & 0xFFFF_FFFF : word >> 32) * 0x1p-32
  }

  static func l1Ratio(_ kept: [Float], of values: [Float]) -> Double {
    values.reduce(0) { $0 + Double(abs($1)) } / kept.reduce(0) { $0 + Double(abs($1)) }
  }
}
