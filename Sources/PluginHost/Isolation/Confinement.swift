import CSystem
import Diagnostics
import Foundation
import Tensors

/// Gives up all rights of this process, for good, before it runs a stranger's code.
///
/// - parameters:
///   - host: The process with which this one dies.
///   - memory: Private memory beyond what the process has now, in bytes.
/// - throws: ``Failure`` `pluginFailed` when anything of the sandbox cannot be had; then nothing may be run.
package func confine(host: pid_t, memory: UInt64) throws {
  let places = readablePlaces().map { strdup($0) }
  defer { for place in places { free(place) } }
  var step: UnsafePointer<CChar>?
  guard clues_confine(host, places.map { UnsafePointer($0) } + [nil], memory, &step) == 0 else {
    let reason = systemMessage()
    throw Failure(
      .pluginFailed, "cannot be shut in here: \(step.map { String(cString: $0) } ?? "the sandbox"): \(reason)",
      advice: "if you trust your plugins, run them without: --isolation none")
  }
}

/// Where libraries come from that plugins need, and nothing else: the system's, and those beside what runs already.
private func readablePlaces() -> [String] {
  var places: Set = ["/usr/lib", "/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"]
  let maps = (try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8)) ?? ""
  for line in maps.split(separator: "\n") {
    guard let start = line.firstIndex(of: "/"), line[start...].contains(".so") else { continue }
    places.insert(URL(filePath: String(line[start...])).deletingLastPathComponent().path)
  }
  return places.sorted()
}

/// The descriptor of a confined process's end of the channel to its host.
package let hostChannel = Int32(CLUES_WORKER_CHANNEL)

/// Ends a confined process with a reason that is not the plugin's.
package func leave(_ reason: String) -> Never {
  FileHandle.standardError.write(Data((reason + "\n").utf8))
  _exit(1)
}
