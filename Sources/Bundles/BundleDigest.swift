import Diagnostics
import Digests
import Tensors

/// What the digest of a bundle is made from.
///
/// For an archive the digest is the SHA-256 of the file. For a folder it is that of one line per known file,
/// `sha256  bytes  path`, sorted by path; gradients and optimizer states, which may be larger than memory, are left out.
public struct BundleDigest: Sendable {
  /// What is to be hashed, each on its own.
  public let contents: [Bytes]
  /// The paths of the contents; nil for an archive.
  private let paths: [String]?

  init(_ bundle: Bundle) throws {
    if let archive = bundle.archive {
      contents = [archive]
      paths = nil
      return
    }
    let files = bundle.files.filter { Bundle.isDigested($0.part) }.sorted { $0.path < $1.path }
    contents = try files.map { file in
      guard let content = try file.content ?? file.diskPath.map({ try Bytes(mapping: $0) }) else {
        throw Failure(.missingInput, "cannot be found any more", file: file.name)
      }
      return content
    }
    paths = files.map(\.path)
  }

  /// The digest of the bundle.
  ///
  /// - parameter digests: Those of ``contents``, in order.
  public func value(of digests: [String]) -> String {
    guard let paths else { return digests[0] }
    let lines = paths.indices.map { "\(digests[$0])  \(contents[$0].count)  \(paths[$0])\n" }
    return sha256(of: lines.joined())
  }
}

extension Bundle {
  /// The SHA-256 of what was handed in; takes as long as reading it.
  public func digest() throws -> String {
    let digest = try parted()
    return digest.value(of: try digest.contents.map { try sha256(of: $0) { _ in try Interruption.check() } })
  }

  /// The same in parts, for whoever hashes many at once.
  public func parted() throws -> BundleDigest { try BundleDigest(self) }
}
