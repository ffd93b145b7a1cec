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
