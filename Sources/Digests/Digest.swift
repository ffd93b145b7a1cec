import Crypto
import Tensors

/// The SHA-256 of `bytes` as 64 hexadecimal digits.
public func sha256(of bytes: Bytes) -> String { sha256(of: bytes) { _ in } }

/// The same with a word on how far it is.
///
/// - parameter progress: Told after every window how many bytes are hashed.
public func sha256(of bytes: Bytes, progress: (Int) throws -> Void) rethrows -> String {
  var hash = SHA256()
  var count = 0
  try bytes.forEachWindow {
    hash.update(bufferPointer: $0)
    count += $0.count
    try progress(count)
  }
  return hexadecimal(hash.finalize())
}

/// The SHA-256 of the UTF-8 of `text` as 64 hexadecimal digits.
public func sha256(of text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
