import Crypto
import Tensors

/// The SHA-256 of `bytes` as 64 hexadecimal digits.
public func sha256(of bytes: Bytes) -> String {
  var hash = SHA256()
  bytes.forEachWindow { hash.update(bufferPointer: $0) }
  return hexadecimal(hash.finalize())
}

/// The SHA-256 of the UTF-8 of `text` as 64 hexadecimal digits.
func sha256(of text: String) -> String { hexadecimal(SHA256.hash(data: Array(text.utf8))) }

private func hexadecimal(_ digest: SHA256Digest) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
