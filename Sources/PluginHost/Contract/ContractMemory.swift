import CluesPluginABI

/// Memory in which a plugin finds what it is lent: the C structs of the contract and what they point to.
///
/// A value of the contract describes its C form once, by what it puts into such memory. The memory decides where that is: in an
/// ``Arena`` of this process, in memory that a worker sees, or between the guard pages of the checker. Addresses are those that
/// the plugin sees, so nothing may be read through them here.
package protocol ContractMemory: AnyObject {
  /// Puts `size` bytes there, which `body` writes.
  ///
  /// - parameter name: Its name in the checker's messages.
  func fill(
    _ name: @autoclosure () -> String, _ size: Int, alignment: Int,
    _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows -> UnsafeRawPointer

  /// Large data that does not move during the call: the same address if the plugin sees it, otherwise that of a copy.
  func lend(_ start: UnsafeRawPointer, size: Int) -> UnsafeRawPointer

  func table<Table: BitwiseCopyable>(_ name: String, _ table: Table) -> UnsafePointer<Table>
}

/// How long a plugin may use what it is lent.
package enum Lease: UInt32, CaseIterable, Sendable {
  case call, tensor, checkpoint, instance
}

extension ContractMemory {
  package func lend(_ start: UnsafeRawPointer, size: Int) -> UnsafeRawPointer { start }

  package func table<Table: BitwiseCopyable>(_ name: String, _ table: Table) -> UnsafePointer<Table> {
    array(name, [table])
  }

  /// A copy of the elements; a non-null pointer even if there are none.
  package func array<Element: BitwiseCopyable>(_ name: String, _ elements: [Element]) -> UnsafePointer<Element> {
    elements.withUnsafeBytes { bytes in
      fill(name, bytes.count, alignment: MemoryLayout<Element>.alignment) { $0.copyMemory(from: bytes) }
    }.assumingMemoryBound(to: Element.self)
  }

  /// A copy of the elements; null if there are none.
  func optionalArray<Element: BitwiseCopyable>(_ name: String, _ elements: [Element]) -> UnsafePointer<Element>? {
    elements.isEmpty ? nil : array(name, elements)
  }

  /// A list of pointers.
  package func list<Item>(_ name: String, _ items: [UnsafePointer<Item>]) -> UnsafePointer<UnsafePointer<Item>?> {
    array(name, items.map { $0 })
  }

  package func text(_ text: String) -> UnsafePointer<CChar> {
    let count = text.utf8.count
    return fill("the text '\(text.prefix(40))'", count + 1, alignment: 1) { bytes in
      bytes.copyBytes(from: text.utf8)
      bytes[count] = 0
    }.assumingMemoryBound(to: CChar.self)
  }

  func texts(_ name: String, _ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
    list(name, texts.map { text($0) })
  }

  func floats(_ values: UnsafePointer<Float>?, count: Int) -> UnsafePointer<Float>? {
    values.map { lend($0, size: count * MemoryLayout<Float>.size).assumingMemoryBound(to: Float.self) }
  }

  /// A float32 matrix without gaps; the plugin sees its elements at `data`, null if they are nowhere in memory.
  func tensor(_ data: UnsafeRawPointer?, rows: Int, columns: Int, flags: UInt32 = 0) -> UnsafePointer<clues_tensor> {
    var tensor = empty(clues_tensor.self)
    tensor.dtype = CLUES_F32
    tensor.rank = 2
    tensor.flags = flags | CLUES_TENSOR_CONTIGUOUS.rawValue
    tensor.shape = array("a shape", [Int64(rows), Int64(columns)])
    tensor.strides = array("strides", [Int64(columns), 1])
    tensor.data = UnsafeMutableRawPointer(mutating: data)
    return table("a tensor", tensor)
  }
}
