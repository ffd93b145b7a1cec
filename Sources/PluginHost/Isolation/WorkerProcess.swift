import CLinux
import Diagnostics
import Foundation
import JSON
import Tensors

/// A process that runs the code of one library, and the host's end of their communication.
///
/// Used by one thread at a time. After any error it is killed and never used again.
final class WorkerProcess {
  private let library: PluginIdentity
  private let settings: WorkerSettings
  private let process: ConfinedProcess
  /// The arguments of calls, for every lease.
  private var inputs = Lease.allCases.map { _ in SharedMemory() }
  private var output: SharedRegion
  /// Its first word tells the plugin to stop.
  private let stopFlag: SharedRegion
  var isAlive: Bool { process.isAlive }
  /// Its address space without the shared memory; nil until it has given up its rights.
  private var ownAddressSpace: UInt64?

  /// The content of the library's tables, as the text of a manifest.
  private(set) var manifest = ""

  /// Starts a worker with a library.
  ///
  /// - parameter code: A sealed file with the library's bytes.
  init(_ library: PluginIdentity, code: SealedFile, settings: WorkerSettings) throws {
    self.library = library
    self.settings = settings
    output = try SharedRegion(size: PluginManifest.largest * 2, for: .output)
    stopFlag = try SharedRegion(size: 0, for: .input)
    process = try ConfinedProcess(settings.executable, as: WorkerSettings.argument)
    var opening = Message(
      kind: .open, text: library.path, files: [code.descriptor, output.file, stopFlag.file])
    opening.numbers = (settings.memory, UInt64(getpid()))
    let size = try locating(file: library.path) {
      Int(clamping: try exchange(opening, Context(function: "clues_plugin_entry_v1", plugin: library.library)))
    }
    guard size <= output.capacity else { throw PluginManifest.mismatch(library.path) }
    manifest = String(decoding: Array(UnsafeRawBufferPointer(start: output.start, count: size)), as: UTF8.self)
  }

  /// What a message is about, for errors and the plugin's log.
  struct Context {
    /// The function of the contract.
    var function: String
    var plugin: String
    var subject = PluginSubject()
    var services = HostServices()
  }

  /// Makes a call and copies the answer.
  func call(
    _ call: PluginCall, _ answer: CallAnswer, until lease: Lease, _ context: Context,
    _ arguments: (any ContractMemory) throws -> CallArguments
  ) throws -> [Int: String] {
    let address = try hold(arguments, until: lease, context)
    let size = answer.memory.count
    if output.capacity < size + answer.textRoom {
      let region = try SharedRegion(size: size + answer.textRoom, for: .output)
      _ = try share(region, for: RegionUse.answers, context)
      output = region
    }
    let target = UnsafeMutableRawBufferPointer(start: output.start, count: size)
    if answer.isUnwritten { Unwritten.mark(target) } else { target.copyMemory(from: .init(answer.memory)) }
    let message = Message(kind: .call, numbers: (address, UInt64(size)), text: call.rawValue)
    let textSize = Int(clamping: try exchange(message, context))
    guard textSize <= output.capacity - size else {
      process.end()
      throw Failure(.pluginFailed, "returned more than there is room for", plugin: context.plugin, code: .worker)
    }
    answer.memory.copyMemory(from: .init(target))
    // A copy, because the worker could change the texts while they are being read.
    return try Array(UnsafeRawBufferPointer(start: output.start + size, count: textSize)).withUnsafeBytes {
      try AnswerTexts.unpack($0)
    }
  }

  /// Puts arguments where the worker reads them until a lease ends; returns their address there.
  private func hold(
    _ arguments: (any ContractMemory) throws -> CallArguments, until lease: Lease, _ context: Context
  ) throws -> UInt64 {
    let memory = inputs[Int(lease.rawValue)]
    let address = try memory.hold(arguments)
    guard memory.size > memory.capacity else { return address }
    let region = try SharedRegion(size: memory.size, for: .input)
    guard let larger = SharedMemory(region, at: try share(region, for: lease.rawValue, context)) else {
      process.end()
      throw AnswerTexts.broken
    }
    inputs[Int(lease.rawValue)] = larger
    return try larger.hold(arguments)
  }

  /// Gives the worker a region; returns its address there.
  private func share(_ region: SharedRegion, for use: UInt32, _ context: Context) throws -> UInt64 {
    // The replaced region is still mapped while the new one is.
    try process.limitAddressSpace((ownAddressSpace ?? 0) + shared + UInt64(region.capacity))
    return try exchange(Message(kind: .map, detail: use, files: [region.file]), context)
  }

  /// The number of bytes currently shared with the worker.
  private var shared: UInt64 {
    UInt64(inputs.reduce(output.capacity + stopFlag.capacity) { $0 + $1.capacity })
  }

  /// Sends a message and waits for the outcome; returns the number that comes with it.
  ///
  /// Whatever the worker does meanwhile, even if it reads nothing or sends endlessly, the time limit and interruption apply.
  private func exchange(_ message: Message, _ context: Context) throws -> UInt64 {
    try locating(client: context.subject.client, tensor: context.subject.tensor) {
      try exchange(message, context.function, context.services, for: context.plugin)
    }
  }

  private func exchange(
    _ message: Message, _ call: String, _ services: HostServices, for plugin: String
  ) throws -> UInt64 {
    stopFlag.start.storeBytes(of: services.isCancelled() ? 1 : 0, as: UInt32.self)
    var patience = Patience(settings.time)
    var (isSent, told) = (false, 0)
    while true {
      try wait(&patience, call, services, for: plugin)
      if !isSent {
        switch try process.send(message) {
        case .sent: isSent = true
        case .full: continue
        case .closed: throw death(during: call, of: plugin)
        }
      }
      switch try process.receive() {
      case .closed: throw death(during: call, of: plugin)
      case .nothingYet: continue
      case .message(let answer):
        switch answer.kind {
        case .done: return answer.numbers.0
        case .log:
          told += 1
          // Its own end limits the library's log to fewer lines, so the library itself is writing to the channel.
          guard told <= LogAllowance.mostMessages else {
            process.end()
            throw Failure.breach(by: plugin, "sent more than \(told - 1) messages in one call of \(call)")
          }
          process.lastLogged = answer.text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
          services.log(plugin, .init(rawValue: answer.detail) ?? .info, answer.text)
        case .confined where ownAddressSpace == nil:
          ownAddressSpace = answer.numbers.0
          try process.limitAddressSpace(answer.numbers.0 + shared)
        case .failed: throw failure(answer, services, for: plugin)
        case .open, .call, .map, .confined:
          process.end()
          throw Failure(
            .pluginFailed, "sent a message that only its host may send", plugin: plugin, code: .worker)
        }
      }
    }
  }

  /// The remaining time of a call.
  private struct Patience {
    let clock = ContinuousClock()
    var deadline: ContinuousClock.Instant
    var isStopping = false

    init(_ time: Duration) { deadline = clock.now + time }
  }

  /// Ends the worker when its time is up: after being asked to stop, it has two more seconds.
  private func wait(
    _ patience: inout Patience, _ call: String, _ services: HostServices, for plugin: String
  ) throws {
    let now = patience.clock.now
    if !patience.isStopping, services.isCancelled() {
      patience.isStopping = true
      stopFlag.start.storeBytes(of: 1, as: UInt32.self)
      patience.deadline = min(patience.deadline, now + .seconds(2))
    }
    guard now > patience.deadline else { return }
    process.end()
    if patience.isStopping { throw Interruption.failure }
    throw Failure(
      .pluginFailed, "did not return from \(call) within \(settings.time)\(process.outputTail)",
      advice: "give it more time (--plugin-time), or tell its author", plugin: plugin)
  }

  /// The error for a failed call.
  ///
  /// Once the library is loaded, everything from the worker is untrusted text: it is reported as such, and does not determine
  /// the exit code or the advice.
  private func failure(_ answer: Message, _ services: HostServices, for plugin: String) -> Failure {
    guard ownAddressSpace != nil else {
      process.end()
      return Failure(
        .pluginFailed, answer.text, advice: "if you trust your plugins, run them without: --isolation none")
    }
    if answer.isInterruption, services.isCancelled() { return Interruption.failure }
    var failure = answer.failure(of: plugin)
    if manifest.isEmpty {
      failure.advice =
        missingSwiftAdvice(answer.text) ?? "see what else is wrong with it: clues plugins check \(library.path)"
    }
    return failure
  }

  /// The error for a worker that has died.
  private func death(during call: String, of plugin: String) -> Failure {
    let end = process.death().text
    return Failure(
      .pluginFailed, "(\(library.library) \(library.version)) \(end) in \(call)\(process.outputTail)",
      advice: "this is a fault of the plugin, or it wants more memory than --plugin-memory gives it: tell its author",
      plugin: plugin)
  }
}
