import Diagnostics
import Foundation

/// Values packed one after the other for another process on the same machine, with large blocks separate from small values.
///
/// Layout: the size of the head, the head, then every block on a 64-byte boundary.
struct WireWriter {
  private var head: [UInt8] = []
  private var blocks: [Block] = []

  static let alignment = 64

  mutating func add(_ value: UInt64) { withUnsafeBytes(of: value) { head.append(contentsOf: $0) } }
  mutating func add(_ value: Int) { add(UInt64(bitPattern: Int64(value))) }
  mutating func add(_ value: Bool) { add(value ? 1 : 0) }
  mutating func add(_ value: Double) { add(value.bitPattern) }

  mutating func add(_ text: String) {
    add(text.utf8.count)
    head.append(contentsOf: text.utf8)
  }

  mutating func add<Element>(_ elements: [Element], _ body: (inout WireWriter, Element) -> Void) {
    add(elements.count)
    for element in elements { body(&self, element) }
  }

  mutating func add(_ values: [Double]) {
    add(values.count)
    values.withUnsafeBytes { head.append(contentsOf: $0) }
  }

  /// Packs `count` bytes that must not move until the payload is written; nil records that there are none.
  mutating func lend(_ start: UnsafeRawPointer?, count: Int) {
    guard let start else { return add(false) }
    lend(count: count) { $0.copyMemory(from: start, byteCount: count) }
  }

  /// Packs `count` bytes that `fill` writes in their final position.
  mutating func lend(count: Int, _ fill: @escaping (UnsafeMutableRawPointer) throws -> Void) {
    add(true)
    add(count)
    blocks.append(Block(count: count, fill: fill))
  }

  private struct Block {
    let count: Int
    let fill: (UnsafeMutableRawPointer) throws -> Void
  }

  /// The number of bytes that ``write(to:)`` fills.
  var size: Int { blocks.reduce(aligned(8 + head.count)) { aligned($0 + $1.count) } }

  func write(to start: UnsafeMutableRawPointer) throws {
    start.storeBytes(of: UInt64(head.count), as: UInt64.self)
    head.withUnsafeBytes { if let first = $0.baseAddress { (start + 8).copyMemory(from: first, byteCount: $0.count) } }
    var place = aligned(8 + head.count)
    for block in blocks {
      if block.count > 0 { try block.fill(start + place) }
      place = aligned(place + block.count)
    }
  }
}

/// Unpacks the output of a ``WireWriter``, in the same order. It checks everything: the other side may be hostile.
package struct WireReader {
  private let bytes: UnsafeRawBufferPointer
  private var place = 8
  private let headEnd: Int
  private var blockPlace: Int

  /// Reads from `bytes`, which must not move while blocks of them are in use.
  package init(_ bytes: UnsafeRawBufferPointer) throws {
    self.bytes = bytes
    guard bytes.count >= 8 else { throw Self.broken }
    let size = bytes.loadUnaligned(as: UInt64.self)
    guard size <= UInt64(bytes.count - 8) else { throw Self.broken }
    headEnd = 8 + Int(size)
    blockPlace = aligned(headEnd)
  }

  private static var broken: Failure { Failure(.pluginFailed, "a worker and its host exchanged invalid data") }

  private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count >= 0, count <= headEnd - place else { throw Self.broken }
    defer { place += count }
    return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
  }

  mutating func word() throws -> UInt64 { try take(8).loadUnaligned(as: UInt64.self) }
  package mutating func integer() throws -> Int { Int(Int64(bitPattern: try word())) }
  mutating func flag() throws -> Bool { try word() != 0 }
  mutating func double() throws -> Double { Double(bitPattern: try word()) }

  mutating func text() throws -> String { String(decoding: Array(try take(try integer())), as: UTF8.self) }

  mutating func list<Element>(_ body: (inout WireReader) throws -> Element) throws -> [Element] {
    let count = try integer()
    // Every element takes at least one word.
    guard count >= 0, count <= (headEnd - place) / 8 else { throw Self.broken }
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try body(&self)) }
    return elements
  }

  package mutating func doubles() throws -> [Double] {
    let count = try integer()
    guard count >= 0, count <= (headEnd - place) / 8 else { throw Self.broken }
    let source = try take(count * 8)
    return [Double](unsafeUninitializedCapacity: count) { target, filled in
      UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
      filled = count
    }
  }

  /// A block in place: 64-byte aligned if the payload is.
  mutating func block() throws -> UnsafeRawBufferPointer? {
    guard try flag() else { return nil }
    let count = try integer()
    guard count >= 0, count <= bytes.count - blockPlace else { throw Self.broken }
    defer { blockPlace = aligned(blockPlace + count) }
    return UnsafeRawBufferPointer(rebasing: bytes[blockPlace..<blockPlace + count])
  }

  /// A block of numbers; their count is the product of these.
  mutating func floats(_ counts: Int...) throws -> UnsafePointer<Float>? {
    guard let block = try block() else { return nil }
    let size = try counts.reduce(MemoryLayout<Float>.size) { size, count in
      let (product, overflow) = size.multipliedReportingOverflow(by: count)
      guard !overflow else { throw Self.broken }
      return product
    }
    guard block.count == size else { throw Self.broken }
    return block.baseAddress?.assumingMemoryBound(to: Float.self)
  }
}

private func aligned(_ place: Int) -> Int {
  (place + WireWriter.alignment - 1) / WireWriter.alignment * WireWriter.alignment
}
