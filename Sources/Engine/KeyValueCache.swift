import CKernels
import Models

/// The rotated keys and the values of one text's tokens in every layer, for the tokens that follow.
final class KeyValueCache {
  /// The number of tokens, and the maximum.
  private(set) var count = 0
  let capacity: Int

  private let shape: ModelShape
  private let block: FloatBlock

  /// - throws: ``Failure`` `noResources` if the system has no memory.
  init(_ shape: ModelShape, capacity: Int) throws {
    self.shape = shape
    self.capacity = capacity
    block = try FloatBlock(capacity, shape.headWidth, shape.keyValueHeadCount, shape.layerCount, 2)
  }

  /// The rows of a head, [capacity][headWidth].
  func rows(_ layer: Int, head: Int) -> (keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>) {
    let size = capacity * shape.headWidth
    let keys = block.start + 2 * (layer * shape.keyValueHeadCount + head) * size
    return (keys, keys + size)
  }

  /// Counts tokens that have been through all layers.
  func advance(by tokens: Int) {
    precondition(count + tokens <= capacity, "no more tokens are kept than there is room for")
    count += tokens
  }

  /// An independent copy.
  func branch(capacity: Int) throws -> KeyValueCache {
    let copy = try KeyValueCache(shape, capacity: max(capacity, count))
    for layer in 0..<shape.layerCount {
      for head in 0..<shape.keyValueHeadCount {
        let (from, to) = (rows(layer, head: head), copy.rows(layer, head: head))
        to.keys.update(from: from.keys, count: count * shape.headWidth)
        to.values.update(from: from.values, count: count * shape.headWidth)
      }
    }
    copy.count = count
    return copy
  }
}

/// The attention of a pack whose samples continue cached tokens.
struct KeptAttention {
  /// By sample of the pack.
  let caches: [KeyValueCache]

  /// Caches the pack's keys and values of a layer; each token attends to those up to itself.
  func attend(_ pass: PackPass, _ layer: Int, _ query: Panels, _ key: Panels) {
    let (shape, work, value) = (pass.shape, pass.work, pass.work[layer].value)
    let (width, window) = (shape.headWidth, shape.windows[layer])
    let scale = 1 / Float(width).squareRoot()
    let sharing = shape.headCount / shape.keyValueHeadCount
    for (range, cache) in zip(pass.pack.ranges, caches) {
      for head in 0..<shape.keyValueHeadCount {
        let (keys, values) = cache.rows(layer, head: head)
        let row = head * width * Panels.width
        for (place, token) in range.enumerated() {
          let to = (cache.count + place) * width
          Self.take(key.token(token) + row, width, into: keys + to)
          Self.take(value.token(token) + row, width, into: values + to)
        }
        for (place, token) in range.enumerated() {
          let end = cache.count + place + 1
          let first = window.map { max(0, end - $0) } ?? 0
          for queryHead in head * sharing..<(head + 1) * sharing {
            let row = queryHead * width * Panels.width
            clues_attend_kept(
              keys + first * width, values + first * width, width, end - first, scale, query.token(token) + row,
              work.attended.token(token) + row, work.attentionRoom.start)
          }
        }
      }
    }
  }

  private static func take(
    _ column: UnsafeMutablePointer<Float>, _ width: Int, into row: UnsafeMutablePointer<Float>
  ) {
    for feature in 0..<width { row[feature] = column[feature * Panels.width] }
  }
}
