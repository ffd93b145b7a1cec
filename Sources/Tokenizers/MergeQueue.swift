/// The symbols of one word while neighbours are merged, best rank first, from the left if equal: O(n log n).
struct MergeQueue: Sendable {
  private struct Symbol {
    var id: Int32
    /// In bytes of the word; 0 once it is part of the symbol before it.
    var length: Int32
    var previous: Int32
    var next: Int32
  }

  private struct Candidate {
    /// The rank in the upper bits, the index of the left symbol in the lower bits.
    var key: UInt64
    var merged: Int32
    var place: Int { Int(key & 0xFFFF_FFFF) }
  }

  private var symbols: [Symbol] = []
  private var heap: [Candidate] = []

  /// The number of symbols it has room for.
  var capacity: Int { symbols.capacity }

  mutating func clear() {
    symbols.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
  }

  mutating func append(_ id: Int32, length: Int) {
    let place = Int32(symbols.count)
    if place > 0 { symbols[Int(place) - 1].next = place }
    symbols.append(Symbol(id: id, length: Int32(length), previous: place - 1, next: -1))
  }

  /// Merges until no pair of neighbours is in `merges`.
  mutating func merge(by merges: MergeTable) {
    guard symbols.count > 1 else { return }
    for place in 0..<symbols.count - 1 { push(place, merges) }
    while let best = pop() {
      let place = best.place
      let symbol = symbols[place]
      guard symbol.length > 0, symbol.next >= 0 else { continue }
      let right = symbols[Int(symbol.next)]
      // Entries from before one of the two grew are out of date.
      guard let merge = merges[symbol.id, right.id], merge.id == best.merged else { continue }
      symbols[Int(symbol.next)].length = 0
      symbols[place].id = merge.id
      symbols[place].length += right.length
      symbols[place].next = right.next
      if right.next >= 0 {
        symbols[Int(right.next)].previous = Int32(place)
        push(place, merges)
      }
      if symbol.previous >= 0 { push(Int(symbol.previous), merges) }
    }
  }

  /// The remaining symbols, in order.
  func visit(_ body: (Int32, Int) -> Void) {
    var place: Int32 = symbols.isEmpty ? -1 : 0
    while place >= 0 {
      let symbol = symbols[Int(place)]
      body(symbol.id, Int(symbol.length))
      place = symbol.next
    }
  }

  private mutating func push(_ place: Int, _ merges: MergeTable) {
    let left = symbols[place]
    guard let merge = merges[left.id, symbols[Int(left.next)].id] else { return }
    let candidate = Candidate(key: UInt64(merge.rank) << 32 | UInt64(place), merged: merge.id)
    heap.append(candidate)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard candidate.key < heap[parent].key else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = candidate
  }

  private mutating func pop() -> Candidate? {
    guard let best = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return best }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
      guard heap[child].key < last.key else { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = last
    return best
  }
}

/// The pairs of tokens that are merged, with their ranks: lower ones are merged first.
struct MergeTable: Sendable {
  private var merges: [UInt64: UInt64] = [:]

  var count: Int { merges.count }

  mutating func reserveCapacity(_ count: Int) { merges.reserveCapacity(count) }

  /// Adds a pair; of equal pairs the last one counts, as in `tokenizers`.
  mutating func add(_ left: Int32, _ right: Int32, rank: UInt32, id: Int32) {
    merges[Self.key(left, right)] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: id))
  }

  subscript(left: Int32, right: Int32) -> (rank: UInt32, id: Int32)? {
    merges[Self.key(left, right)].map {
      (UInt32(truncatingIfNeeded: $0 >> 32), Int32(bitPattern: UInt32(truncatingIfNeeded: $0)))
    }
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}
