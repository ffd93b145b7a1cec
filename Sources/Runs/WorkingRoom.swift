import Diagnostics
import Foundation

/// Refuses to compute if a limit on memory leaves no room for it.
///
/// OpenBLAS needs a buffer for each thread that calls it at the same time, and if it cannot get one it retries forever. The
/// buffers of its own threads, one for each processor but the first, exist already.
func checkRoom(threads: Int) throws {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max else { return }
  let named = ProcessInfo.processInfo.environment["OPENBLAS_NUM_THREADS"].flatMap { Int($0) }
  let there = max(1, named ?? ProcessInfo.processInfo.activeProcessorCount) - 1
  let size = max(1, threads - there) << 27
  let room = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let room, room != MAP_FAILED else {
    throw Failure(
      .noResources, "the limit on memory (ulimit -v) leaves no room for \(threads) threads to compute in",
      advice: "raise it by 140 MB for each thread, or use fewer of them: --threads 1")
  }
  munmap(room, size)
}
