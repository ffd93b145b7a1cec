import CLinux
import CluesPluginABI
import Diagnostics
import Foundation
import JSON
import Tensors

/// The other end of a ``WorkerProcess``: a process that gives up its rights, loads one library and serves the host.
///
/// Everything except the shared memory is closed to it before the first instruction of the library runs.
public enum PluginWorker {
  /// Serves the host until it closes the channel.
  public static func main() -> Never {
    do {
      guard case .message(let opening) = try Message.receive(over: hostChannel, milliseconds: -1),
        opening.kind == .open,
        opening.files.count == 3
      else { leave("a worker is started by its host, not by hand") }
      let files = opening.files
      let worker = WorkerLoop(
        output: try SharedRegion(received: files[1], for: .output),
        stopFlag: try SharedRegion(received: files[2], for: .input))
      try reply {
        try worker.open(
          files[0], as: opening.text, memory: opening.numbers.0, host: pid_t(truncatingIfNeeded: opening.numbers.1))
      }
      while case .message(let message) = try Message.receive(over: hostChannel, milliseconds: -1) {
        try reply { try worker.serve(message) }
      }
    } catch {
      leave("\(error)")
    }
    // Without running destructors of untrusted code.
    _exit(0)
  }

  /// Sends the host the outcome of its request.
  private static func reply(_ body: () throws -> Int) throws {
    var answer = Message(kind: .done)
    do {
      answer.numbers.0 = UInt64(try body())
    } catch let failure as Failure {
      answer = Message(failure)
    }
    if case .closed = try answer.send(over: hostChannel) { _exit(0) }
  }
}

/// What a worker keeps between two calls.
private final class WorkerLoop {
  /// What calls read, by their use.
  private var inputs: [UInt32: SharedRegion] = [:]
  private var output: SharedRegion
  private let stopFlag: SharedRegion
  private var library: PluginLibraryFile?
  private var instance: HostedInstance?

  init(output: SharedRegion, stopFlag: SharedRegion) {
    self.output = output
    self.stopFlag = stopFlag
  }

  /// Gives up all rights, loads the library and puts its manifest where the host can read it.
  func open(_ file: Int32, as path: String, memory: UInt64, host: pid_t) throws -> Int {
    let addressSpace = try confine(host: host, memory: memory)
    _ = try Message(kind: .confined, numbers: (addressSpace, 0)).send(over: hostChannel)
    let library = try PluginLibraryFile(loading: "/proc/self/fd/\(file)", as: path, digest: nil)
    self.library = library
    let manifest = Array(library.manifest.text().utf8)
    guard manifest.count <= output.capacity else {
      throw Failure(.pluginFailed, "holds plugins whose manifest would be larger than \(output.capacity) bytes")
    }
    output.start.copyMemory(from: manifest, byteCount: manifest.count)
    return manifest.count
  }

  /// What the plugin may request of its host.
  private var services: HostServices {
    // Sendable, because a plugin may call this from any thread on which it was called.
    nonisolated(unsafe) let stopFlag = stopFlag.start
    return HostServices(
      log: { _, level, text in
        _ = try? Message(kind: .log, detail: level.rawValue, text: text).send(over: hostChannel)
      },
      isCancelled: { stopFlag.load(as: UInt32.self) != 0 })
  }

  /// Maps a region or makes a call; returns where the region is, or the size of the texts behind the answer.
  func serve(_ message: Message) throws -> Int {
    if message.kind == .map, let file = message.files.first {
      let isOutput = message.detail == RegionUse.answers
      let region = try SharedRegion(received: file, for: isOutput ? .output : .input)
      if isOutput { output = region } else { inputs[message.detail] = region }
      return Int(bitPattern: region.start)
    }
    let size = Int(clamping: message.numbers.1)
    guard message.kind == .call, let call = PluginCall(rawValue: message.text), size <= output.capacity,
      let arguments = UnsafePointer<CallArguments>(bitPattern: UInt(message.numbers.0))?.pointee
    else { throw HostedInstance.unknownCall }
    switch call {
    case .create:
      instance = nil
      instance = try make(arguments)
      return 0
    case .destroy:
      instance = nil
      return 0
    default:
      guard let instance else { throw HostedInstance.unknownCall }
      let answer = UnsafeMutableRawBufferPointer(start: output.start, count: size)
      let texts = AnswerTexts.pack(try instance.perform(call, arguments, into: answer))
      let room = output.capacity - size
      guard texts.count <= room else {
        throw Failure(.pluginFailed, "answers with \(texts.count) bytes, but there is room for only \(room)")
      }
      (output.start + size).copyMemory(from: texts, byteCount: texts.count)
      return texts.count
    }
  }

  private func make(_ arguments: CallArguments) throws -> HostedInstance {
    guard let library, let id = arguments.data.map({ String(cString: $0.assumingMemoryBound(to: CChar.self)) }),
      let plugin = library.plugins.first(where: { $0.about.id == id && $0.about.kind.index == arguments.number }),
      case .here(let table) = plugin.code
    else { throw HostedInstance.unknownCall }
    return try HostedInstance(table, of: plugin.about, services: services) { _ in arguments.table() }
  }
}
