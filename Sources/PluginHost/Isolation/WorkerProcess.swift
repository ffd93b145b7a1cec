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
  private var input: SharedRegion
  private var lasting: SharedRegion
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
    input = try SharedRegion(size: 0, for: .input)
    lasting = try SharedRegion(size: 0, for: .input)
    output = try SharedRegion(size: PluginManifest.largest * 2, for: .output)
    stopFlag = try SharedRegion(size: 0, for: .input)
    process = try ConfinedProcess(settings.executable, as: WorkerSettings.argument)
    var opening = Message(
      kind: .open, text: library.path, files: [code.descriptor, input.file, lasting.file, output.file, stopFlag.file])
    opening.numbers = (settings.memory, UInt64(getpid()))
    let size = try locating(file: library.path) {
      try exchange(opening, "clues_plugin_entry_v1", HostServices(), for: library.library)
    }
    guard size <= output.capacity else { throw PluginManifest.mismatch(library.path) }
    manifest = String(decoding: Array(UnsafeRawBufferPointer(start: output.start, count: size)), as: UTF8.self)
  }

  /// What a call is working on, for errors.
  struct Subject {
    var plugin: String
    var client: String?
    var tensor: String?
  }

  /// Makes a call and passes the answer to `read`: `size` bytes in memory that the worker can still write to.
  ///
  /// - parameters:
  ///   - isLasting: Whether the payload must stay in place until the next lasting one.
  ///   - room: The maximum size of the answer in bytes.
  func call<Result>(
    _ call: WorkerCall, _ payload: WireWriter, isLasting: Bool = false, room: Int, _ subject: Subject,
    _ services: HostServices, _ read: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    var message = Message(kind: .call, detail: call.rawValue, numbers: (UInt64(payload.size), UInt64(room)))
    if isLasting { message.detail |= RegionFlag.lasting }
    // Both before anything is changed: a region that the worker does not know about must not be used.
    let largerInput =
      (isLasting ? lasting : input).capacity < payload.size ? try SharedRegion(size: payload.size, for: .input) : nil
    let largerOutput = output.capacity < room ? try SharedRegion(size: room, for: .output) : nil
    if largerInput != nil || largerOutput != nil {
      // The replaced regions are still mapped while the new ones are.
      try process.limitAddressSpace(
        shared + [largerInput, largerOutput].reduce(ownAddressSpace ?? 0) { $0 + UInt64($1?.capacity ?? 0) })
    }
    if let largerInput {
      message.detail |= RegionFlag.newInput
      message.files.append(largerInput.file)
      if isLasting { lasting = largerInput } else { input = largerInput }
    }
    if let largerOutput {
      message.detail |= RegionFlag.newOutput
      message.files.append(largerOutput.file)
      output = largerOutput
    }
    do {
      try payload.write(to: (isLasting ? lasting : input).start)
    } catch {
      // The worker does not know about the regions.
      process.end()
      throw error
    }
    do {
      let size = try exchange(message, call.name, services, for: subject.plugin)
      guard size <= room else {
        process.end()
        throw Failure(.pluginFailed, "the worker of plugin '\(subject.plugin)' returned more than there is room for")
      }
      return try read(UnsafeRawBufferPointer(start: output.start, count: size))
    } catch let failure as Failure {
      throw failure.at(client: subject.client, tensor: subject.tensor)
    }
  }

  /// The number of bytes currently shared with the worker.
  private var shared: UInt64 { [input, lasting, output, stopFlag].reduce(0) { $0 + UInt64($1.capacity) } }

  /// Sends a message and waits for the outcome; returns the size of the answer.
  ///
  /// Whatever the worker does meanwhile, even if it reads nothing or sends endlessly, the time limit and interruption apply.
  private func exchange(_ message: Message, _ call: String, _ services: HostServices, for plugin: String) throws -> Int
  {
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
        case .done: return Int(clamping: answer.numbers.0)
        case .log:
          told += 1
          // Its own end limits the library's log to fewer lines, so the library itself is writing to the channel.
          guard told <= LogAllowance.mostMessages else {
            process.end()
            throw Failure(
              .pluginFailed, "plugin '\(plugin)' sent more than \(told - 1) messages in one call of \(call)",
              advice: HostTable.silence)
          }
          process.lastLogged = answer.text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
          services.log(plugin, .init(rawValue: answer.detail) ?? .info, answer.text)
        case .confined where ownAddressSpace == nil:
          ownAddressSpace = answer.numbers.0
          try process.limitAddressSpace(answer.numbers.0 + shared)
        case .failed: throw failure(answer, services, for: plugin)
        case .open, .call, .confined:
          process.end()
          throw Failure(.pluginFailed, "the worker of plugin '\(plugin)' sent a message that only its host may send")
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
      .pluginFailed, "plugin '\(plugin)' did not return from \(call) within \(settings.time)\(process.outputTail)",
      advice: "give it more time (--plugin-time), or tell its author")
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
    let fault = WorkerFault(rawValue: answer.detail) ?? .told
    if fault == .interrupted, services.isCancelled() { return Interruption.failure }
    let name = "plugin '\(plugin)'"
    let isOpening = manifest.isEmpty
    let onOpening =
      missingSwiftAdvice(answer.text) ?? "see what else is wrong with it: clues plugins check \(library.path)"
    return Failure(
      .pluginFailed, answer.text.hasPrefix(name) ? answer.text : "\(name): \(answer.text)",
      advice: fault == .silent ? HostTable.silence : isOpening ? onOpening : nil)
  }

  /// The error for a worker that has died.
  private func death(during call: String, of plugin: String) -> Failure {
    let end = process.death().text
    return Failure(
      .pluginFailed,
      "plugin '\(plugin)' (\(library.library) \(library.version)) \(end) in \(call)\(process.outputTail)",
      advice: "this is a fault of the plugin, or it wants more memory than --plugin-memory gives it: tell its author")
  }
}
