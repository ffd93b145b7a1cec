import CSystem
import Diagnostics
import Foundation
import JSON
import Tensors

/// A process that runs the code of one library, and the host's end of the talk with it.
///
/// One thread at a time uses it. Whatever goes wrong with it, it is killed and never used again.
final class WorkerProcess {
  private let library: PluginIdentity
  private let settings: WorkerSettings
  private let process: ConfinedProcess
  private var input: SharedRegion
  private var lasting: SharedRegion
  private var output: SharedRegion
  /// Its first word tells the plugin to stop.
  private let signs: SharedRegion
  var isAlive: Bool { process.isAlive }

  /// What the library's tables say, as the text of a manifest.
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
    signs = try SharedRegion(size: 0, for: .input)
    process = try ConfinedProcess(settings.executable, as: WorkerSettings.argument)
    var opening = Message(
      kind: .open, text: library.path, files: [code.descriptor, input.file, lasting.file, output.file, signs.file])
    opening.numbers = (settings.memory, UInt64(getpid()))
    let size = try locating(file: library.path) {
      try exchange(opening, "clues_plugin_entry_v1", HostServices(), for: library.library)
    }
    guard size <= output.capacity else { throw PluginManifest.mismatch(library.path) }
    manifest = String(decoding: Array(UnsafeRawBufferPointer(start: output.start, count: size)), as: UTF8.self)
  }

  /// Where a call stands, for errors.
  struct Subject {
    var plugin: String
    var client: String?
    var tensor: String?
  }

  /// Makes a call and lends the answer to `read`: `size` bytes in memory that the worker can still write to.
  ///
  /// - parameters:
  ///   - isLasting: Whether the parcel is to stay where it is until the next lasting one.
  ///   - room: The most bytes that the answer may have.
  func call<Result>(
    _ call: WorkerCall, _ parcel: Parcel, isLasting: Bool = false, room: Int, _ subject: Subject,
    _ services: HostServices, _ read: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    var message = Message(kind: .call, detail: call.rawValue, numbers: (UInt64(parcel.size), UInt64(room)))
    if isLasting { message.detail |= RegionFlag.lasting }
    // Both before anything is changed: a region that the worker does not hear of must not be used.
    let largerInput =
      (isLasting ? lasting : input).capacity < parcel.size ? try SharedRegion(size: parcel.size, for: .input) : nil
    let largerOutput = output.capacity < room ? try SharedRegion(size: room, for: .output) : nil
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
    parcel.write(to: (isLasting ? lasting : input).start)
    do {
      let size = try exchange(message, call.name, services, for: subject.plugin)
      guard size <= room else {
        process.end()
        throw Failure(.pluginFailed, "the worker of plugin '\(subject.plugin)' claims more than there is room for")
      }
      return try read(UnsafeRawBufferPointer(start: output.start, count: size))
    } catch let failure as Failure {
      throw failure.at(client: subject.client, tensor: subject.tensor)
    }
  }

  /// Sends a message and waits for what comes of it; gives the size of the answer.
  private func exchange(_ message: Message, _ call: String, _ services: HostServices, for plugin: String) throws -> Int
  {
    signs.start.storeBytes(of: services.isCancelled() ? 1 : 0, as: UInt32.self)
    guard try process.send(message) else { throw death(during: call, of: plugin) }
    let clock = ContinuousClock()
    var deadline = clock.now + settings.time
    var isStopping = false
    while true {
      switch try process.receive() {
      case .closed: throw death(during: call, of: plugin)
      case .nothingYet:
        if !isStopping, services.isCancelled() {
          // It is asked to stop first, and then it is stopped.
          isStopping = true
          signs.start.storeBytes(of: 1, as: UInt32.self)
          deadline = min(deadline, clock.now + .seconds(2))
        }
        guard clock.now > deadline else { continue }
        process.end()
        if isStopping { throw Failure(.interrupted, "interrupted") }
        throw Failure(
          .pluginFailed, "plugin '\(plugin)' did not return from \(call) within \(settings.time)\(process.lastWords)",
          advice: "give it more time (--plugin-time), or tell its author")
      case .message(let answer):
        switch answer.kind {
        case .done: return Int(clamping: answer.numbers.0)
        case .log:
          process.lastLogged = answer.text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
          services.log(plugin, .init(rawValue: answer.detail) ?? .info, answer.text)
        case .failed:
          let parts = answer.text.split(separator: "\0", maxSplits: 1, omittingEmptySubsequences: false)
          let kind = Failure.Kind(rawValue: Int32(truncatingIfNeeded: answer.detail)) ?? .pluginFailed
          throw Failure(
            kind == .interrupted && !services.isCancelled() ? .pluginFailed : kind, String(parts[0]),
            advice: parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : nil)
        case .open, .call:
          process.end()
          throw Failure(.pluginFailed, "the worker of plugin '\(plugin)' says what only its host may say")
        }
      }
    }
  }

  /// What is to be said of a worker that is gone.
  private func death(during call: String, of plugin: String) -> Failure {
    let end = process.death().text
    return Failure(
      .pluginFailed,
      "plugin '\(plugin)' (\(library.library) \(library.version)) \(end) in \(call)\(process.lastWords)",
      advice: "this is a fault of the plugin, or it wants more memory than --plugin-memory gives it: tell its author")
  }
}
