import CLinux
import CluesPluginABI
import Diagnostics
import Files
import Foundation
import JSON
import Tensors

/// The workers of one library: as many as there are instances at a time, each serving one instance after the other.
package final class WorkerPool: @unchecked Sendable {
  // Unchecked because mutable state is only accessed under the lock.
  private let library: PluginIdentity
  private let bytes: Bytes
  private let manifest: String
  private let settings: WorkerSettings
  private let lock = NSLock()
  private var idle: [WorkerProcess] = []
  private var code: SealedFile?

  /// - parameter bytes: The content of the library's file from which its digest was computed.
  init(_ library: PluginIdentity, _ bytes: Bytes, manifest: JSONValue, settings: WorkerSettings) {
    self.library = library
    self.bytes = bytes
    self.manifest = manifest.text()
    self.settings = settings
  }

  /// An instance of an entry, with a worker of its own until it is released.
  func lease(
    _ about: PluginDescription, _ services: HostServices,
    _ parameters: (any ContractMemory) throws -> UnsafePointer<clues_parameters>?
  ) throws -> WorkerLease {
    let lease = WorkerLease(try worker(), of: about, services, pool: self)
    try lease.call(.create, until: .instance) { memory in
      try CallArguments(table: parameters(memory), data: memory.text(about.id), number: about.kind.index)
    }
    lease.hasInstance = true
    return lease
  }

  private func worker() throws -> WorkerProcess {
    let (free, code) = try lock.withLock {
      let code = try self.code ?? SealedFile(bytes, name: library.library)
      self.code = code
      return (idle.popLast(), code)
    }
    if let free { return free }
    let worker = try WorkerProcess(library, code: code, settings: settings)
    guard worker.manifest == manifest else { throw PluginManifest.mismatch(library.path) }
    return worker
  }

  fileprivate func giveBack(_ worker: WorkerProcess) {
    guard worker.isAlive else { return }
    lock.withLock { idle.append(worker) }
  }
}

/// An instance in a worker; the lease ends with this object.
final class WorkerLease: InstanceSite {
  private let worker: WorkerProcess
  private let services: HostServices
  private let pool: WorkerPool
  let plugin: String
  var subject = PluginSubject()
  fileprivate var hasInstance = false

  fileprivate init(
    _ worker: WorkerProcess, of about: PluginDescription, _ services: HostServices, pool: WorkerPool
  ) {
    self.worker = worker
    self.services = services
    self.pool = pool
    plugin = about.id
  }

  deinit {
    // A failure to destroy it no longer matters.
    if hasInstance, worker.isAlive { try? call(.destroy) }
    pool.giveBack(worker)
  }

  /// A plugin in a worker sees whole matrices: reading back would need another channel.
  var rowReading: HostTable? { nil }

  func call(
    _ call: PluginCall, _ answer: CallAnswer, until lease: Lease,
    _ arguments: (any ContractMemory) throws -> CallArguments
  ) throws -> [Int: String] {
    guard worker.isAlive else { throw failure("has failed before and cannot go on") }
    let context = WorkerProcess.Context(
      function: call.rawValue, plugin: plugin, subject: subject, services: services)
    return try worker.call(call, answer, until: lease, context, arguments)
  }
}

/// An immutable file in memory.
package final class SealedFile {
  package let descriptor: Int32

  /// The path by which this process can open it.
  package var path: String { "/proc/self/fd/\(descriptor)" }

  package init(_ bytes: Bytes, name: String) throws {
    descriptor = clues_memory_file(name, UInt64(bytes.count))
    guard descriptor >= 0 else { throw Self.failure }
    let written = bytes.withUnsafeBytes { writeAll($0, to: descriptor, at: 0) }
    guard written, clues_seal(descriptor) == 0 else {
      let failure = Self.failure
      close(descriptor)
      throw failure
    }
  }

  deinit { close(descriptor) }

  private static var failure: Failure {
    Failure(system: .pluginFailed, "there is no memory for a sealed copy of a plugin")
  }
}
