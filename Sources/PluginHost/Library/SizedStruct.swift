import Diagnostics

/// The struct at `pointer`, if its maker filled it as far as this host reads.
///
/// The size is read alone first: of a struct that is too small the rest is not even memory that we may look at.
func sized<Table: BitwiseCopyable>(_ pointer: UnsafePointer<Table>, _ size: UInt32, _ what: String) throws -> Table {
  let declared = UnsafeRawPointer(pointer).load(as: UInt32.self)
  guard declared >= size else {
    throw Failure(
      .pluginFailed, "describes \(what) with \(declared) bytes where \(size) are due",
      advice: "build it against the clues_plugin.h of a released version, and set struct_size to its CLUES_…_SIZE")
  }
  return pointer.pointee
}
