import Foundation
import PluginHost

/// Memory that is lent to a plugin and detects misuse.
final class LentMemory {
  /// What is detected.
  enum Watch {
    /// Writes next to the blocks, by changes to the surrounding bytes.
    case fences
    /// Accesses after, or before, the blocks: they end the process.
    case guardsBehind, guardsBefore
    /// Writes to inputs: they end the process.
    case readOnlyInputs
    /// Accesses to a block that is no longer lent: they end the process.
    case expiry
  }

  enum Use { case input, output }

  private struct Block {
    let name: String
    let start: UnsafeMutableRawPointer
    let size: Int
    let use: Use
    let lease: Lease
    /// The pages that belong to it, or the allocation with its fences.
    let room: UnsafeMutableRawBufferPointer
    var isSealed = false
  }

  private let watch: Watch
  private var blocks: [Block] = []
  private var expired: [UnsafeMutableRawBufferPointer] = []
  /// The first write next to a block, in words.
  private(set) var trespass: String?

  private static let fence = 256
  private static let mark: UInt8 = 0xC5
  private static let page = Int(getpagesize())

  init(_ watch: Watch) { self.watch = watch }

  deinit {
    for block in blocks { release(block.room) }
    for room in expired { release(room) }
  }

  private var usesPages: Bool { watch != .fences }

  private func release(_ room: UnsafeMutableRawBufferPointer) {
    if usesPages { munmap(room.baseAddress, room.count) } else { free(room.baseAddress) }
  }

  /// Lends `size` bytes, all set to `fill`; nil if there is no memory left.
  ///
  /// - parameter name: Its name in messages.
  func lend(
    _ name: String, size: Int, alignment: Int, _ use: Use, until lease: Lease, fill: UInt8 = 0
  ) -> UnsafeMutableRawPointer? {
    let block: Block
    if usesPages {
      // Next to an output there is one more page: writes there are found by its fences.
      let slack = use == .output ? Self.page : 0
      let count = (max(size, 1) + Self.page - 1 + 2 * slack) / Self.page
      let total = (count + 2) * Self.page
      guard let room = mmap(nil, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), room != MAP_FAILED else {
        return nil
      }
      let inner = room + Self.page
      mprotect(inner, count * Self.page, PROT_READ | PROT_WRITE)
      var start = inner + slack
      if watch == .guardsBehind, use == .input {
        let offset = count * Self.page - size
        start = inner + offset / alignment * alignment
      }
      block = Block(
        name: name, start: start, size: size, use: use, lease: lease,
        room: UnsafeMutableRawBufferPointer(start: room, count: total))
    } else {
      let before = max(Self.fence, alignment)
      var room: UnsafeMutableRawPointer?
      let total = before + size + Self.fence
      guard posix_memalign(&room, max(alignment, 16), total) == 0, let room else { return nil }
      memset(room, Int32(Self.mark), total)
      block = Block(
        name: name, start: room + before, size: size, use: use, lease: lease,
        room: UnsafeMutableRawBufferPointer(start: room, count: total))
    }
    memset(block.start, Int32(fill), size)
    blocks.append(block)
    return block.start
  }

  /// Lent memory is ready: from now on inputs may not be written, if that is watched.
  func seal() {
    guard watch == .readOnlyInputs else { return }
    for place in blocks.indices where blocks[place].use == .input && !blocks[place].isSealed {
      let room = blocks[place].room
      mprotect(room.baseAddress! + Self.page, room.count - 2 * Self.page, PROT_READ)
      blocks[place].isSealed = true
    }
  }

  /// Takes back what was lent until `lease`.
  func end(_ lease: Lease) {
    inspect()
    for block in blocks where block.lease == lease {
      if watch == .expiry { mprotect(block.room.baseAddress, block.room.count, PROT_NONE) }
      // Pages are kept: their addresses must not be reused.
      if usesPages { expired.append(block.room) } else { release(block.room) }
    }
    blocks.removeAll { $0.lease == lease }
  }

  /// Checks the fences.
  func inspect() {
    guard watch == .fences, trespass == nil else { return }
    for block in blocks {
      let (low, high) = (block.start - block.room.baseAddress!, block.room.count)
      let end = low + block.size
      let isMarked = { (place: Int) in block.room[place] == Self.mark }
      if let place = (end..<high).first(where: { !isMarked($0) }) {
        trespass = "wrote after the end of \(block.name): byte \(place - end) after its \(block.size) bytes is changed"
        return
      }
      if let place = (0..<low).reversed().first(where: { !isMarked($0) }) {
        trespass = "wrote before the start of \(block.name): byte \(low - place) before it is changed"
        return
      }
    }
  }
}
