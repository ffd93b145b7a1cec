import Diagnostics

/// The struct at `pointer`, if it is at least as large as this host reads.
///
/// Only the size is read first: if the struct is too small, the memory after it may not be readable.
func sized<Table: BitwiseCopyable>(_ pointer: UnsafePointer<Table>, _ size: UInt32, _ what: String) throws -> Table {
  let declared = UnsafeRawPointer(pointer).load(as: UInt32.self)
  guard declared >= size else {
    throw Failure(
      .pluginFailed, "describes \(what) with \(declared) bytes instead of \(size)",
      advice: "build it against the clues_plugin.h of a released version, and set struct_size to its CLUES_…_SIZE")
  }
  return pointer.pointee
}

/// A struct of zeros with the size that this host knows.
package func empty<Table: BitwiseCopyable>(_ type: Table.Type) -> Table {
  withUnsafeTemporaryAllocation(of: Table.self, capacity: 1) { room in
    let bytes = UnsafeMutableRawBufferPointer(room)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    bytes.storeBytes(of: UInt32(bytes.count), as: UInt32.self)
    return bytes.load(as: Table.self)
  }
}
