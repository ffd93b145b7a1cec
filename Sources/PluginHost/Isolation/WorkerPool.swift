import CLinux
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
    _ about: PluginDescription, _ parameters: ParameterValues, _ services: HostServices
  ) throws -> WorkerLease {
    let lease = WorkerLease(try worker(), of: about, services, pool: self)
    var payload = WireWriter()
    payload.add(about.kind.rawValue)
    payload.add(about.id)
    payload.add(parameters)
    try lease.call(.create, payload)
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
final class WorkerLease {
  private let worker: WorkerProcess
  private let services: HostServices
  private let pool: WorkerPool
  /// What the instance is working on.
  var subject: WorkerProcess.Subject
  fileprivate var hasInstance = false

  fileprivate init(
    _ worker: WorkerProcess, of about: PluginDescription, _ services: HostServices, pool: WorkerPool
  ) {
    self.worker = worker
    self.services = services
    self.pool = pool
    subject = .init(plugin: about.id)
  }

  deinit {
    // A failure to destroy it no longer matters.
    if hasInstance, worker.isAlive { try? call(.destroy, WireWriter()) }
    pool.giveBack(worker)
  }

  var plugin: String { subject.plugin }

  func call<Result>(
    _ call: WorkerCall, _ payload: WireWriter, isLasting: Bool = false, room: Int,
    _ read: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard worker.isAlive else {
      throw Failure(.pluginFailed, "plugin '\(plugin)' has failed before and cannot go on")
    }
    return try worker.call(call, payload, isLasting: isLasting, room: room, subject, services, read)
  }

  /// A call without an answer.
  func call(_ call: WorkerCall, _ payload: WireWriter, isLasting: Bool = false) throws {
    try self.call(call, payload, isLasting: isLasting, room: 0) { _ in }
  }

  /// A call whose answer is a payload.
  func unpack<Result>(
    _ call: WorkerCall, _ payload: WireWriter, room: Int, _ read: (inout WireReader) throws -> Result
  ) throws -> Result {
    try self.call(call, payload, room: room) { answer in
      // A copy, because the worker could change the answer while it is being read.
      let copy = Array(answer)
      return try copy.withUnsafeBytes { bytes in
        var reader = try WireReader(bytes)
        return try read(&reader)
      }
    }
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
