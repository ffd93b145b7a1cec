import Crypto
import Tensors

/// The SHA-256 of `bytes` as 64 hexadecimal digits.
public func sha256(of bytes: Bytes) -> String {
  var hash = SHA256()
  bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
  return hexadecimal(hash.finalize())
}

/// The same, telling after every block how many bytes are hashed.
func sha256(of bytes: Bytes, progress: ReadingProgress?) throws -> String {
  guard let progress else { return sha256(of: bytes) }
  var hash = SHA256()
  try bytes.withUnsafeBytes { raw in
    for start in stride(from: 0, to: raw.count, by: 8 << 20) {
      let end = min(start + (8 << 20), raw.count)
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: raw[start..<end]))
      try progress(end)
    }
  }
  return hexadecimal(hash.finalize())
}

/// The SHA-256 of the UTF-8 of `text` as 64 hexadecimal digits.
func sha256(of text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

private func hexadecimal(_ digest: SHA256Digest) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
