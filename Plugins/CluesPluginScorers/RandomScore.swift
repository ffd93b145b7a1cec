import PluginKit

/// A random number: the baseline.
struct RandomScore: Scorer {
  static let id = "random"
  static let summary = "A random number between 0 and 1 for every sample, the same in every run."
  static let details = """
    The number depends only on the seed, the client's name and the sample's id: neither on the order of the samples nor on \
    which other samples there are.
    """

  @Parameter("The seed of the numbers.") var seed = 0

  private var checkpoint: Checkpoint?

  var needs: [Needs] { [Needs(checkpoints: .last)] }

  mutating func begin(_ checkpoint: Checkpoint) throws { self.checkpoint = checkpoint }

  mutating func scores() throws -> [Score] {
    guard let checkpoint else { return [] }
    return checkpoint.ids.map { id in
      let stream = streamNumber(seed: seed, [checkpoint.client, id])
      let word = checkpoint.host.randomWords(stream: stream, offset: 0, count: 1)[0]
      return .value(Double(word >> 11) * 0x1p-53)
    }
  }
}

/// The number of a random stream for a seed and some names: FNV-1a, with a zero byte after every name.
func streamNumber(seed: Int, _ names: [String]) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  func take(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  withUnsafeBytes(of: seed.littleEndian) { $0.forEach(take) }
  for name in names {
    name.utf8.forEach(take)
    take(0)
  }
  return hash
}
