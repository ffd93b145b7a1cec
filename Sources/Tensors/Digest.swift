import Crypto

/// The SHA-256 of `bytes` as 64 hexadecimal digits.
///
/// - parameter progress: Told after every block how many bytes are hashed.
public func sha256(of bytes: Bytes, progress: ((Int) throws -> Void)? = nil) rethrows -> String {
  var hash = SHA256()
  try bytes.withUnsafeBytes { raw in
    for start in stride(from: 0, to: raw.count, by: 8 << 20) {
      let end = min(start + (8 << 20), raw.count)
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: raw[start..<end]))
      try progress?(end)
    }
  }
  return hexadecimal(hash.finalize())
}

/// The SHA-256 of the UTF-8 of `text` as 64 hexadecimal digits.
public func sha256(of text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

private func hexadecimal(_ digest: SHA256Digest) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
