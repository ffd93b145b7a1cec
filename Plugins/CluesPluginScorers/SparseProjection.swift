import PluginKit

/// A random projection to few dimensions that keeps inner products on average: every element goes to one dimension,
/// with a random sign.
///
/// The error of a cosine is about 1/√k, as with a dense random matrix, at the cost of one addition per element. Which
/// element goes where depends only on the seed and the tensor's name. Source: Charikar et al. 2002 (Count Sketch);
/// Kane and Nelson 2014 (sparse Johnson-Lindenstrauss).
struct SparseProjection {
  let dimension: Int
  private let places: [(dimension: Int32, sign: Float)]

  init(of tensor: GradientTensor, to dimension: Int, seed: Int, host: Host) {
    self.dimension = dimension
    let stream = streamNumber(seed: seed, [tensor.name])
    places = host.randomWords(stream: stream, offset: 0, count: tensor.elementCount).map { word in
      (Int32(((word >> 32) * UInt64(dimension)) >> 32), word & 1 == 0 ? 1 : -1)
    }
  }

  /// Adds the image of elements `range` of the tensor to the sketch that begins at `start`.
  func add(_ vector: Floats, at range: Range<Int>, to sketches: inout [Double], from start: Int) {
    for (index, element) in zip(range, vector) {
      let (dimension, sign) = places[index]
      sketches[start + Int(dimension)] += Double(sign * element)
    }
  }
}
