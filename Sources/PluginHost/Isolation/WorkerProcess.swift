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
  private let channel: Int32
  private let process: pid_t
  /// What the worker writes to its standard output and error, which nobody is meant to read unless it dies.
  private let murmur: Int32
  private var lastWords = LastWords()
  private var input: SharedRegion
  private var lasting: SharedRegion
  private var output: SharedRegion
  /// Its first word tells the plugin to stop.
  private let signs: SharedRegion
  private(set) var isAlive = true

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
    (process, channel, murmur) = try WorkerLauncher.shared.launch(
      settings.executable, as: WorkerSettings.argument)
    var opening = Message(
      kind: .open, text: library.path, files: [code.descriptor, input.file, lasting.file, output.file, signs.file])
    opening.numbers = (settings.memory, UInt64(getpid()))
    let size = try locating(file: library.path) {
      try exchange(opening, "clues_plugin_entry_v1", HostServices(), for: library.library)
    }
    guard size <= output.capacity else { throw PluginManifest.mismatch(library.path) }
    manifest = String(decoding: Array(UnsafeRawBufferPointer(start: output.start, count: size)), as: UTF8.self)
  }

  deinit {
    end()
    close(channel)
    close(murmur)
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
    if (isLasting ? lasting : input).capacity < parcel.size {
      let larger = try SharedRegion(size: parcel.size, for: .input)
      message.detail |= RegionFlag.newInput
      message.files.append(larger.file)
      if isLasting { lasting = larger } else { input = larger }
    }
    if output.capacity < room {
      output = try SharedRegion(size: room, for: .output)
      message.detail |= RegionFlag.newOutput
      message.files.append(output.file)
    }
    parcel.write(to: (isLasting ? lasting : input).start)
    do {
      let size = try exchange(message, call.name, services, for: subject.plugin)
      guard size <= room else {
        end()
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
    guard try message.send(over: channel) else { throw death(during: call, of: plugin) }
    let clock = ContinuousClock()
    var deadline = clock.now + settings.time
    var isStopping = false
    while true {
      let reception = try Message.receive(over: channel, milliseconds: 100)
      drain()
      switch reception {
      case .closed: throw death(during: call, of: plugin)
      case .nothingYet:
        if !isStopping, services.isCancelled() {
          // It is asked to stop first, and then it is stopped.
          isStopping = true
          signs.start.storeBytes(of: 1, as: UInt32.self)
          deadline = min(deadline, clock.now + .seconds(2))
        }
        guard clock.now > deadline else { continue }
        end()
        if isStopping { throw Failure(.interrupted, "interrupted") }
        throw Failure(
          .pluginFailed, "plugin '\(plugin)' did not return from \(call) within \(settings.time)\(lastWords.text)",
          advice: "give it more time (--plugin-time), or tell its author")
      case .message(let answer):
        for file in answer.files { close(file) }
        switch answer.kind {
        case .done: return Int(clamping: answer.numbers.0)
        case .log:
          lastWords.log(answer.text)
          services.log(plugin, .init(rawValue: answer.detail) ?? .info, answer.text)
        case .failed:
          let parts = answer.text.split(separator: "\0", maxSplits: 1, omittingEmptySubsequences: false)
          let kind = Failure.Kind(rawValue: Int32(truncatingIfNeeded: answer.detail)) ?? .pluginFailed
          throw Failure(
            kind == .interrupted && !services.isCancelled() ? .pluginFailed : kind, String(parts[0]),
            advice: parts.count > 1 && !parts[1].isEmpty ? String(parts[1]) : nil)
        case .open, .call:
          end()
          throw Failure(.pluginFailed, "the worker of plugin '\(plugin)' says what only its host may say")
        }
      }
    }
  }

  /// Reads what the worker wrote, so that its pipe never fills and the last line is known when it dies.
  private func drain() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Glibc.read(murmur, &buffer, buffer.count)
      guard count > 0 else { return }
      lastWords.murmur(String(decoding: buffer.prefix(count), as: UTF8.self))
    }
  }

  /// Kills the worker.
  private func end() {
    guard isAlive else { return }
    isAlive = false
    kill(process, SIGKILL)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
  }

  /// What is to be said of a worker that is gone.
  private func death(during call: String, of plugin: String) -> Failure {
    isAlive = false
    var status: Int32 = 0
    // It may have closed its channel and go on running; nobody waits for that.
    for attempt in 0..<100 where waitpid(process, &status, WNOHANG) == 0 {
      if attempt == 99 {
        kill(process, SIGKILL)
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
      }
      usleep(10_000)
    }
    drain()
    let signal = status & 0x7F
    let what =
      signal == 0
      ? "ended its process with status \((status >> 8) & 0xFF) in \(call)"
      : "crashed (\(signalName(signal))) in \(call)"
    return Failure(
      .pluginFailed, "plugin '\(plugin)' (\(library.library) \(library.version)) \(what)\(lastWords.text)",
      advice: "this is a fault of the plugin, or it wants more memory than --plugin-memory gives it: tell its author")
  }
}

/// The last lines that were heard of a worker.
private struct LastWords {
  private var logged = ""
  private var murmured = ""

  mutating func log(_ text: String) { logged = Self.lastLine(of: text) ?? logged }
  mutating func murmur(_ text: String) { murmured = Self.lastLine(of: text) ?? murmured }

  private static func lastLine(of text: String) -> String? {
    text.split(whereSeparator: \.isNewline).last { !$0.allSatisfy(\.isWhitespace) }.map(String.init)
  }

  /// As the end of a sentence. What libraries write when they die says more than the log.
  var text: String {
    let line = murmured.isEmpty ? logged : murmured
    return line.isEmpty ? "" : "; the last that was heard of it: \(line.prefix(500))"
  }
}

/// As programmers know it: SIGSEGV.
package func signalName(_ signal: Int32) -> String {
  let names: [Int32: String] = [
    SIGSEGV: "SIGSEGV", SIGILL: "SIGILL", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGTRAP: "SIGTRAP",
    SIGKILL: "SIGKILL", SIGSYS: "SIGSYS", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGTERM: "SIGTERM",
    SIGINT: "SIGINT",
  ]
  return names[signal] ?? "signal \(signal)"
}
