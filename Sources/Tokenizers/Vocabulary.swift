import Diagnostics

/// The tokens of a model by their content, and back. Contents are compared byte by byte: texts that are equivalent in Unicode
/// are equal as Swift strings, but are two tokens of a vocabulary.
struct Vocabulary: Sendable {
  private var contents: [UInt8] = []
  /// The start of each id's content in `contents`; -1 for an id without content.
  private var starts: [Int32] = []
  private var lengths: [Int32] = []
  /// Ids by the hash of their content, -1 for a free slot. A power of two, at most half full.
  private var slots: [Int32] = Array(repeating: -1, count: 64)

  /// The number of tokens, which may be less than the largest id suggests.
  private(set) var count = 0

  /// The largest id plus one.
  var idCount: Int { starts.count }

  /// The maximum number of rows of a model's embeddings.
  static let mostIDs = 1 << 22

  /// Adds a token.
  ///
  /// - throws: ``Failure`` if the id or the content is taken, or the id is out of range.
  mutating func add(_ content: [UInt8], id: Int) throws {
    guard id >= 0, id < Self.mostIDs else {
      throw Failure(
        .badData, "the token '\(Self.shown(content))' has the id \(id); ids go from 0 to \(Self.mostIDs - 1)")
    }
    guard contents.count <= Int(Int32.max) - content.count else {
      throw Failure(.badData, "the tokens of the vocabulary take more than 2 GiB")
    }
    while starts.count <= id {
      starts.append(-1)
      lengths.append(0)
    }
    guard starts[id] < 0 else {
      let other = Self.shown(self.content(of: Int32(id)).map(Array.init) ?? [])
      throw Failure(.badData, "the tokens '\(other)' and '\(Self.shown(content))' have the same id \(id)")
    }
    guard self.id(of: content) == nil else {
      throw Failure(.badData, "the token '\(Self.shown(content))' is in the vocabulary twice")
    }
    starts[id] = Int32(contents.count)
    lengths[id] = Int32(content.count)
    contents += content
    count += 1
    if 2 * count > slots.count { grow() }
    insert(Int32(id))
  }

  /// The token's content, or nil if there is none with this id.
  func content(of id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, Int(id) < starts.count, starts[Int(id)] >= 0 else { return nil }
    let start = Int(starts[Int(id)])
    return contents[start..<start + Int(lengths[Int(id)])]
  }

  func id(of content: [UInt8]) -> Int32? { content.withUnsafeBufferPointer(id(of:)) }

  func id(of content: UnsafeBufferPointer<UInt8>) -> Int32? {
    contents.withUnsafeBufferPointer { all in
      var slot = Self.hash(content) & (slots.count - 1)
      while slots[slot] >= 0 {
        let id = Int(slots[slot])
        if Int(lengths[id]) == content.count {
          let start = Int(starts[id])
          if UnsafeBufferPointer(rebasing: all[start..<start + content.count]).elementsEqual(content) {
            return slots[slot]
          }
        }
        slot = (slot + 1) & (slots.count - 1)
      }
      return nil
    }
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: 2 * slots.count)
    for id in starts.indices where starts[id] >= 0 && self.content(of: Int32(id)) != nil { insert(Int32(id)) }
  }

  private mutating func insert(_ id: Int32) {
    let start = Int(starts[Int(id)])
    let end = start + Int(lengths[Int(id)])
    var slot =
      contents.withUnsafeBufferPointer { Self.hash(UnsafeBufferPointer(rebasing: $0[start..<end])) }
      & (slots.count - 1)
    while slots[slot] >= 0 {
      if slots[slot] == id { return }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = id
  }

  /// Swift's own hash, which is seeded, so that nobody can write a vocabulary whose tokens all collide.
  private static func hash(_ content: UnsafeBufferPointer<UInt8>) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(content))
    return hasher.finalize() & .max
  }

  /// A token in a message.
  static func shown(_ content: some Collection<UInt8>) -> String {
    String(decoding: content.prefix(120), as: UTF8.self)
  }
}
