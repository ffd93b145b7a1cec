import CLinux
import Diagnostics
import Files
import Foundation
import Tensors

/// A message between a host and its worker; large data is passed in shared memory.
package struct Message {
  package var kind: Kind
  /// Its meaning depends on the kind: a log level, a kind of failure, the use of a region.
  package var detail: UInt32 = 0
  package var numbers: (UInt64, UInt64) = (0, 0)
  package var text = ""
  /// Files sent along; received ones belong to the receiver.
  package var files: [Int32] = []

  package enum Kind: UInt32 {
    /// To the worker: the library, the region for answers, and the region with the stop flag.
    case open
    /// To the worker: a call by its name, the address of its ``CallArguments``, and the size of its answer.
    case call
    /// To the host: it is done, with the size of the texts behind the answer, of the manifest, or the address of a region.
    case done
    /// To the host: the call failed.
    case failed
    /// To the host: a line of the plugin's log.
    case log
    /// To the host: all rights are given up, with the remaining address space. Later messages may come from untrusted code.
    case confined
    /// To the worker: a region, in place of the last one for the same use.
    case map
  }

  package init(
    kind: Kind, detail: UInt32 = 0, numbers: (UInt64, UInt64) = (0, 0), text: String = "", files: [Int32] = []
  ) {
    self.kind = kind
    self.detail = detail
    self.numbers = numbers
    self.text = text
    self.files = files
  }

  /// Longer texts are cut, and end in "…".
  private static let longestText = 1 << 14
  private static let headSize = 24

  /// The result of sending a message.
  package enum Sending {
    case sent
    /// There is no room yet: the other end is not reading.
    case full
    /// The other end is closed.
    case closed
  }

  /// Waits for room, at most `milliseconds`; forever if negative.
  package func send(over channel: Int32, milliseconds: Int32 = -1) throws -> Sending {
    var bytes: [UInt8] = []
    for word in [kind.rawValue, detail] { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
    for word in [numbers.0, numbers.1] { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
    var text = self.text
    if text.utf8.count > Self.longestText {
      text = String(decoding: text.utf8.prefix(Self.longestText), as: UTF8.self) + "…"
    }
    bytes.append(contentsOf: text.utf8)
    while clues_send(channel, bytes, UInt64(bytes.count), files, UInt32(files.count), milliseconds) != 0 {
      switch errno {
      case EPIPE, ECONNRESET: return .closed
      case EAGAIN where milliseconds >= 0: return .full
      case EAGAIN, EINTR: continue
      default: throw Failure(system: .pluginFailed, "a message to a plugin's worker cannot be sent")
      }
    }
    return .sent
  }

  package enum Reception {
    case message(Message)
    case nothingYet
    case closed
  }

  /// Waits for a message, at most `milliseconds`; forever if negative.
  package static func receive(over channel: Int32, milliseconds: Int32) throws -> Reception {
    let capacity = headSize + longestText + 64
    return try withUnsafeTemporaryAllocation(byteCount: capacity, alignment: 8) { room in
      var files = [Int32](repeating: -1, count: Int(CLUES_MESSAGE_FILES))
      let size = clues_receive(channel, room.baseAddress!, UInt64(capacity), &files, milliseconds)
      guard size >= 0 else {
        if errno == EAGAIN { return .nothingYet }
        throw Failure(system: .pluginFailed, "a message from a plugin's worker cannot be received")
      }
      if size == 0 { return .closed }
      let received = files.filter { $0 >= 0 }
      guard var message = Message(UnsafeRawBufferPointer(rebasing: room[..<Int(size)])) else {
        for file in received { close(file) }
        throw Failure(.pluginFailed, "a plugin's worker sent an invalid message")
      }
      message.files = received
      return .message(message)
    }
  }

  /// The message in these bytes, without its files; nil if they are invalid.
  package init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.headSize, let kind = Kind(rawValue: bytes.loadUnaligned(as: UInt32.self)) else {
      return nil
    }
    self.init(
      kind: kind, detail: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self),
      numbers: (
        bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
      ),
      text: String(decoding: bytes[Self.headSize...], as: UTF8.self))
  }
}

/// A failure on its way from a worker to its host. The words cross, and who says them; the host decides the kind and the advice.
extension Message {
  /// Details besides those of ``Failure/Code``: words about the plugin, and that the host asked it to stop.
  private static let about: UInt32 = 8
  private static let interrupted: UInt32 = 9

  /// What is not about the plugin counts as its own words.
  init(_ failure: Failure) {
    let code = failure.plugin == nil ? .quoted : failure.code
    let detail = failure.kind == .interrupted ? Self.interrupted : code?.rawValue ?? Self.about
    self.init(kind: .failed, detail: detail, text: failure.message)
  }

  var isInterruption: Bool { kind == .failed && detail == Self.interrupted }

  func failure(of plugin: String) -> Failure {
    switch detail {
    case Failure.Code.breach.rawValue: .breach(by: plugin, text)
    case Self.about: Failure(.pluginFailed, text, plugin: plugin)
    default: Failure(.pluginFailed, text, plugin: plugin, code: .quoted)
    }
  }
}

/// What a region is for, as the detail of the message that brings it: a ``Lease`` of arguments, or answers.
enum RegionUse {
  static let answers = UInt32(Lease.allCases.count)
}
