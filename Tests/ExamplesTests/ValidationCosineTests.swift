import Diagnostics
import JSON
import PluginHost
import Tensors
import Testing

/// The scorer of the examples: the same bits in every language, and those of whole numbers.
@Suite(.serialized) struct ValidationCosineTests {
  /// Gradients of some samples, and the domains' means: by tensor, row-major.
  struct Evidence {
    var gradients: [[Float]]
    var means: [[[Float]]]
    var samples: Int
  }

  static let random: Evidence = {
    let stream = RandomStream(seed: 9, "cosine")
    var word: UInt64 = 0
    func numbers(_ count: Int) -> [Float] {
      (0..<count).map { _ in
        word += 1
        return Float(Double(Int64(bitPattern: stream.block(word).0)) * 0x1p-63)
      }
    }
    let widths = [13, 1, 40]
    return Evidence(
      gradients: widths.map { numbers(11 * $0) }, means: widths.map { width in (0..<3).map { _ in numbers(width) } },
      samples: 11)
  }()

  @Test(arguments: Language.allCases, ["all", "own"]) func `is the same to the last bit`(
    _ language: Language, _ domains: String
  ) throws {
    let scores = try [language, .c].map { try score(Self.random, domains, $0) }
    #expect(scores[0].map { $0.value?.bitPattern } == scores[1].map { $0.value?.bitPattern })
    #expect(scores[0].allSatisfy { $0.value.map { abs($0) <= 1 } ?? false })
  }

  /// Vectors of whole numbers with whole lengths: the cosine is one division.
  @Test(arguments: Language.allCases) func `is what whole numbers say`(_ language: Language) throws {
    let vectors = [[1, 2, 2], [-2, 3, 6], [4, -4, 7], [0, 3, 4], [8, 9, 12]]
    let lengths = [3, 7, 9, 5, 17]
    let (own, length) = ([2, 6, 9], 11)
    let evidence = Evidence(
      // The second tensor repeats the first, so that squares add up over tensors: √(2·l²·2·m²) = 2·l·m.
      gradients: [[Float]](repeating: vectors.joined().map { Float($0) }, count: 2),
      means: [[[Float]]](repeating: [own.map { Float($0) }, [1, 0, 0], [0, 1, 0]], count: 2), samples: 5)
    let expected = zip(vectors, lengths).map { vector, its in
      let product = zip(vector, own).reduce(0) { $0 + $1.0 * $1.1 }
      return Double(2 * product) / Double(2 * its * length)
    }
    let scores = try score(evidence, "own", language).map { $0.value ?? .nan }
    // √(2l²)·√(2m²) is rounded three times.
    #expect(zip(scores, expected).allSatisfy { abs($0 - $1) <= 4 * $1.ulp.magnitude })
  }

  @Test(arguments: Language.allCases) func `says why a sample has no score`(_ language: Language) throws {
    var evidence = Self.random
    evidence.samples = 3
    evidence.gradients = [[1, 2, 0, 0, .nan, 1]]
    evidence.means = [[[1, 1], [1, 0], [0, 0.5]]]
    let scores = try checkpointScores(evidence, "own", language)[0]
    #expect(scores[0].value != nil)
    #expect(scores[1] == .unscored("its gradient is zero"))
    #expect(scores[2] == .unscored("its gradient is not finite"))
    #expect(try score(evidence, "own", language)[1] == .unscored("it has no score at one of the checkpoints"))
    evidence.means = [[[0, 0], [1, 0], [0, 0.5]]]
    #expect(
      try checkpointScores(evidence, "own", language)[0][0]
        == .unscored("a mean validation gradient has no direction"))
  }

  @Test(arguments: Language.allCases) func `needs the client's own domain only when asked to`(
    _ language: Language
  ) throws {
    let failure = #expect(throws: Failure.self) { try score(Self.random, "own", language, ownDomain: nil) }
    #expect(failure?.message.contains("no validation set bears the client's own domain") == true)
    #expect(try score(Self.random, "all", language, ownDomain: nil).count == 11)
  }

  private func score(
    _ evidence: Evidence, _ domains: String, _ language: Language, ownDomain: Int? = 0
  ) throws -> [Score] {
    let instance = try instance(domains, language)
    return try instance.finish(show(evidence, to: instance, ownDomain))
  }

  private func checkpointScores(_ evidence: Evidence, _ domains: String, _ language: Language) throws -> [[Score]] {
    try show(evidence, to: instance(domains, language), 0)
  }

  private func instance(_ domains: String, _ language: Language) throws -> ScorerInstance {
    let scorer = try Project.example(language).loaded().scorers[0]
    let instance = try scorer.makeInstance(
      ParameterValues(["domains": .string(domains)], schema: scorer.about.parameters, of: scorer.about.id),
      services: HostServices())
    #expect(try instance.needs().map(\.evidence) == [[.gradients, .validationMeans]])
    return instance
  }

  /// The scores at two checkpoints, the second with everything the other way round; in blocks of four.
  private func show(_ evidence: Evidence, to instance: ScorerInstance, _ ownDomain: Int?) throws -> [[Score]] {
    try (0..<2).map { index in
      var checkpoint = ScoringCheckpoint(
        alternative: 0, client: "c", step: index + 1, index: index, count: 2,
        splits: (0..<evidence.samples).map { $0 == 0 ? .anchor : .train },
        ids: (0..<evidence.samples).map { "sample-\($0)" })
      checkpoint.domains = ["c", "d", "e"]
      checkpoint.ownDomain = ownDomain
      checkpoint.validationNorms = [[1], [1], [1]]
      checkpoint.tensorCount = evidence.gradients.count
      try instance.begin(checkpoint)
      for (place, gradients) in evidence.gradients.enumerated() {
        let width = evidence.means[place][0].count
        var tensor = ScoringTensor(name: "t\(place).lora_A.weight", index: place, elementCount: width)
        let lent = evidence.means[place].map { mean in
          let copy = UnsafeMutablePointer<Float>.allocate(capacity: width)
          copy.initialize(from: mean, count: width)
          return copy
        }
        defer { for copy in lent { copy.deallocate() } }
        tensor.validationMeans = lent.map { UnsafePointer($0) }
        try instance.begin(tensor)
        for start in stride(from: 0, to: evidence.samples, by: 4) {
          let count = min(4, evidence.samples - start)
          try gradients.withUnsafeBufferPointer {
            try instance.update(pass: 0, firstSample: start, rowCount: count, values: $0.baseAddress! + start * width)
          }
        }
        try instance.endTensor()
      }
      return try instance.endCheckpoint()
    }
  }
}
