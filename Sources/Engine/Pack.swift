/// Samples that go through the model together, concatenated, without the tokens from the last label on, which predict nothing
/// that is learned.
struct Pack {
  /// Its index among the packs.
  var place = 0

  /// The indices of the samples among all samples.
  let samples: [Int]

  /// The range of each sample among the tokens of the pack.
  let ranges: [Range<Int>]

  /// By token.
  let tokens: [Int32]
  let positions: [Int]

  /// The tokens that predict a label, and the range of each sample's among them.
  let predicting: [Int]
  let predictingRanges: [Range<Int>]

  /// The labels that they predict.
  let labels: [Int32]

  /// Tokens whose gradients are summed.
  struct Portion {
    /// The first sample that they belong to.
    let sample: Int
    /// Their indices among all tokens of the pack, and among those that predict a label.
    let range: Range<Int>
    let predicting: Range<Int>
  }

  /// Sample by sample.
  var portions: [Portion] {
    samples.indices.map {
      Portion(sample: samples[$0], range: ranges[$0], predicting: predictingRanges[$0])
    }
  }

  /// All tokens together.
  var whole: Portion { Portion(sample: samples[0], range: 0..<tokens.count, predicting: 0..<predicting.count) }

  /// The results of the samples from their mean losses.
  func losses(_ means: [Double]) -> [SampleLoss] {
    zip(means, predictingRanges).map { loss, range in
      loss.isFinite
        ? .measured(loss: loss, tokens: range.count) : .unmeasured(reason: "its loss is \(loss)")
    }
  }

  var panels: Int { Panels.count(of: tokens.count) }
  var predictingPanels: Int { Panels.count(of: predicting.count) }

  init(_ samples: [Int], of all: [EncodedSample]) {
    var (ranges, predictingRanges): ([Range<Int>], [Range<Int>]) = ([], [])
    var (tokens, labels): ([Int32], [Int32]) = ([], [])
    var (positions, predicting): ([Int], [Int]) = ([], [])
    for place in samples {
      let (sample, start) = (all[place], tokens.count)
      let learned = sample.learned
      let count = learned.last ?? 0
      ranges.append(start..<start + count)
      predictingRanges.append(predicting.count..<predicting.count + learned.count)
      tokens += sample.tokens[..<count]
      positions += 0..<count
      predicting += learned.map { start + $0 - 1 }
      labels += learned.map { sample.labels[$0] }
    }
    self.samples = samples
    (self.ranges, self.predictingRanges) = (ranges, predictingRanges)
    (self.tokens, self.labels) = (tokens, labels)
    (self.positions, self.predicting) = (positions, predicting)
  }

  /// Divides samples into packs of about this many tokens, the longest first, so that threads end together. The division
  /// depends only on the samples, never on the number of threads.
  static func divide(_ places: [Int], of all: [EncodedSample], tokens most: Int) -> [Pack] {
    // By length, each list reversed, so that popping gives the order of the samples.
    var lists: [[Int]] = Array(repeating: [], count: most + 1)
    var packs: [Pack] = []
    for place in places.reversed() {
      let count = all[place].learned.last ?? 0
      if count >= most { packs.append(Pack([place], of: all)) } else { lists[count].append(place) }
    }
    packs.sort { ($0.tokens.count, $1.samples[0]) > ($1.tokens.count, $0.samples[0]) }
    var longest = most
    while true {
      while longest >= 0, lists[longest].isEmpty { longest -= 1 }
      guard longest >= 0 else { break }
      var (members, left, length) = ([Int](), most, longest)
      while length >= 0 {
        if length <= left, let place = lists[length].popLast() {
          members.append(place)
          left -= length
        } else {
          length = min(length - 1, left)
        }
      }
      packs.append(Pack(members, of: all))
    }
    for place in packs.indices { packs[place].place = place }
    return packs
  }
}
