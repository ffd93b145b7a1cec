import Diagnostics

/// The texts in a worker's answer, each as the index of what it belongs to, its size, and its bytes.
package enum AnswerTexts {
  static func pack(_ texts: [Int: String]) -> [UInt8] {
    texts.sorted { $0.key < $1.key }.reduce(into: []) { bytes, text in
      for word in [text.key, text.value.utf8.count] { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
      bytes.append(contentsOf: text.value.utf8)
    }
  }

  /// Checks everything: the worker may be hostile.
  package static func unpack(_ bytes: UnsafeRawBufferPointer) throws -> [Int: String] {
    var texts: [Int: String] = [:]
    var rest = bytes[...]
    while !rest.isEmpty {
      guard rest.count >= 16 else { throw broken }
      let head = UnsafeRawBufferPointer(rebasing: rest.prefix(16))
      let (index, size) = (head.loadUnaligned(as: Int.self), head.loadUnaligned(fromByteOffset: 8, as: Int.self))
      rest = rest.dropFirst(16)
      guard size >= 0, size <= rest.count else { throw broken }
      texts[index] = String(decoding: rest.prefix(size), as: UTF8.self)
      rest = rest.dropFirst(size)
    }
    return texts
  }

  static var broken: Failure { Failure(.pluginFailed, "a worker and its host exchanged invalid data") }
}
