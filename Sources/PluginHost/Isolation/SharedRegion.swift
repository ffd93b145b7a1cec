import CLinux
import Diagnostics
import Files
import Foundation
import Tensors

/// Memory shared between this process and a worker, in a file without a name.
package final class SharedRegion {
  package let file: Int32
  package let start: UnsafeMutableRawPointer
  package let capacity: Int

  /// Who may write to it after it has been sent.
  package enum Use {
    /// Only the host: the worker can only map it for reading.
    case input
    /// Both.
    case output
  }

  /// Memory of at least `size` bytes, all zero. Its size is fixed permanently.
  package init(size: Int, for use: Use) throws {
    let capacity = Self.capacity(for: size)
    let file = clues_memory_file("clues-\(use)", UInt64(capacity))
    guard file >= 0 else { throw Self.failure("is no shared memory") }
    let start = mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
    guard let start, start != MAP_FAILED else {
      defer { close(file) }
      throw Self.failure("is no shared memory")
    }
    // After mapping: from now on the worker can only map an input for reading.
    guard (use == .input ? clues_seal_for_reading(file) : clues_seal_size(file)) == 0 else {
      defer {
        munmap(start, capacity)
        close(file)
      }
      throw Self.failure("is no way to seal shared memory")
    }
    (self.file, self.start, self.capacity) = (file, start, capacity)
  }

  /// Maps a region that the host sent, and closes the file with it.
  package init(received file: Int32, for use: Use) throws {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw Self.failure("is no shared memory") }
    capacity = Int(status.st_size)
    let rights = use == .input ? PROT_READ : PROT_READ | PROT_WRITE
    guard let start = mmap(nil, capacity, rights, MAP_SHARED, file, 0), start != MAP_FAILED else {
      throw Self.failure("is no shared memory")
    }
    (self.file, self.start) = (file, start)
  }

  deinit {
    munmap(start, capacity)
    close(file)
  }

  /// Powers of two from 64 KiB on, so that a region that grows with its tasks is only replaced a few times.
  private static func capacity(for size: Int) -> Int {
    var capacity = 1 << 16
    while capacity < size { capacity *= 2 }
    return capacity
  }

  private static func failure(_ what: String) -> Failure {
    Failure(system: .pluginFailed, "there \(what) for a plugin's worker")
  }
}
