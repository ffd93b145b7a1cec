import Diagnostics

/// The sizes and switches of a decoder of the Llama family, each of which its config states or implies.
package struct ModelShape: Sendable, Equatable {
  /// `model_type` of the config.
  package var family: String

  package var vocabulary: Int
  package var width: Int
  package var layerCount: Int
  package var headCount: Int

  /// Heads of keys and values; each serves `headCount / keyValueHeadCount` heads of queries.
  package var keyValueHeadCount: Int

  package var headWidth: Int
  package var feedForwardWidth: Int
  package var normEpsilon: Float

  /// Whether each head of queries and keys is normed separately before it is rotated.
  package var normsHeads: Bool

  /// By layer: the number of positions that a token sees, including itself; nil for all before it.
  package var windows: [Int?]

  package var rotation: RotaryEmbedding

  /// The longest sample that the model supports, in tokens.
  package var maximumLength: Int

  package init(
    family: String, vocabulary: Int, width: Int, layerCount: Int, headCount: Int, keyValueHeadCount: Int,
    headWidth: Int, feedForwardWidth: Int, normEpsilon: Float, normsHeads: Bool = false, windows: [Int?],
    rotation: RotaryEmbedding, maximumLength: Int
  ) {
    self.family = family
    self.vocabulary = vocabulary
    self.width = width
    self.layerCount = layerCount
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headWidth = headWidth
    self.feedForwardWidth = feedForwardWidth
    self.normEpsilon = normEpsilon
    self.normsHeads = normsHeads
    self.windows = windows
    self.rotation = rotation
    self.maximumLength = maximumLength
  }
}

/// How queries and keys are rotated by their position: the pair (i, i + headWidth / 2) by position · frequencies[i].
package struct RotaryEmbedding: Sendable, Equatable {
  /// Radians per position, [headWidth / 2].
  package var frequencies: [Float]

  /// The factor of sines and cosines; 1 except for yarn.
  package var scale: Float

  package init(frequencies: [Float], scale: Float = 1) {
    self.frequencies = frequencies
    self.scale = scale
  }
}

extension ModelShape {
  /// Refuses heads of keys and values that do not serve equally many heads of queries.
  static func check(headCount: Int, keyValueHeadCount: Int) throws {
    guard headCount % keyValueHeadCount == 0 else {
      throw Failure(
        .badData,
        "has \(headCount) heads of queries, which is not a multiple of \(keyValueHeadCount) heads of keys and values")
    }
  }

  /// The width of a head, which is the heads' share of the model's unless it is stated.
  ///
  /// - throws: ``Failure`` `badData` if there is none, or if it cannot be rotated in pairs.
  static func headWidth(stated: Int?, width: Int, headCount: Int) throws -> Int {
    guard stated != nil || width % headCount == 0 else {
      throw Failure(.badData, "has a width of \(width), which is not a multiple of \(headCount) heads")
    }
    let headWidth = stated ?? width / headCount
    guard headWidth % 2 == 0, headWidth <= 1 << 16 else {
      throw Failure(.badData, "has heads of width \(headWidth), which cannot be rotated in pairs")
    }
    return headWidth
  }
}
