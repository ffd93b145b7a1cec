import CLinux
import Diagnostics
import Files
import Foundation
import SystemPackage
import Tensors

/// Gives up all rights of this process, permanently, before it runs untrusted code.
///
/// - parameters:
///   - host: The process with which this one dies.
///   - memory: Private memory beyond what the process has now, in bytes.
///   - role: What the process is for.
/// - returns: The address space that it may use, in bytes.
/// - throws: ``Failure`` `pluginFailed` if part of the sandbox is unavailable, `noResources` if the system has too few
///   resources; nothing may be run then.
@discardableResult
package func confine(host: pid_t, memory: UInt64, as role: ConfinedRole = .worker) throws -> UInt64 {
  let places = try readablePlaces().map { strdup($0) }
  defer { for index in places { free(index) } }
  var step: UnsafePointer<CChar>?
  var addressSpace: UInt64 = 0
  let readable = places.map { UnsafePointer($0) } + [nil]
  guard clues_confine(host, readable, memory, role.code, &addressSpace, &step) == 0 else {
    throw Failure(
      system: .pluginFailed, "cannot be sandboxed here: \(step.map { String(cString: $0) } ?? "the sandbox")",
      advice: "if you trust your plugins, run them without: --isolation none")
  }
  return addressSpace
}

/// What a confined process is for, which determines the system calls it may use.
package enum ConfinedRole {
  /// To run a plugin, which starts no threads.
  case worker
  /// To check a plugin, including what it writes to standard output and changes in its process.
  case check
  /// To check a plugin in several threads, or whether it leaves any behind.
  case threadedCheck

  fileprivate var code: Int32 {
    switch self {
    case .worker: Int32(CLUES_CONFINED_WORKER)
    case .check: Int32(CLUES_CONFINED_CHECK)
    case .threadedCheck: Int32(CLUES_CONFINED_THREADED_CHECK)
    }
  }
}

/// The folders of the libraries that plugins need, and no others: the system's, and those of libraries loaded already.
private func readablePlaces() throws -> [String] {
  var places: Set = ["/usr/lib", "/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"]
  // Otherwise a library that merely cannot be read would seem to be missing.
  let maps = try StreamReader("/proc/self/maps").bytes()
  for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
    guard let start = line.firstIndex(of: "/"), line[start...].contains(".so") else { continue }
    places.insert(FilePath(String(line[start...])).folder.string)
  }
  return places.sorted()
}

/// The descriptor of a confined process's end of the channel to its host.
package let hostChannel = Int32(CLUES_WORKER_CHANNEL)

/// Ends a confined process with a reason that is not the plugin's.
package func leave(_ reason: String) -> Never {
  _ = writeAll(reason + "\n", to: STDERR_FILENO)
  _exit(1)
}
