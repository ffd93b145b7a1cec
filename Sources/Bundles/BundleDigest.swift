import Diagnostics
import Digests
import Foundation
import Tensors

/// What the digest of a bundle is computed from.
///
/// For an archive the digest is the SHA-256 of the file. For a folder it is that of one line per known file,
/// `sha256  bytes  path`, sorted by path; gradients and optimizer states, which may be larger than memory, are omitted.
public struct BundleDigest: Sendable {
  /// The contents to hash, each on its own.
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
        throw Failure(.missingInput, "no longer exists", file: file.name)
      }
      return content
    }
    paths = files.map(\.path)
  }

  /// The digest of the bundle.
  ///
  /// - parameter digests: The digests of ``contents``, in order.
  public func value(of digests: [String]) -> String {
    guard let paths else { return digests[0] }
    let lines = paths.indices.map { "\(digests[$0])  \(contents[$0].count)  \(paths[$0])\n" }
    return sha256(of: lines.joined())
  }
}

extension Bundle {
  /// The SHA-256 of the bundle; takes as long as reading it.
  public func digest() throws -> String {
    let digest = try parted()
    return digest.value(of: try digest.contents.map { try sha256(of: $0) { _ in try Interruption.check() } })
  }

  /// The same in parts, for hashing many at once.
  public func parted() throws -> BundleDigest { try BundleDigest(self) }
}

/// Receives how many bytes of a bundle have been read; throws to stop reading.
public typealias ReadingProgress = (Int) throws -> Void

extension Bundle {
  /// The number of bytes to read to open the bundle at `path` and compute its digest: those of the archive, or those of the
  /// known files of a folder. 0 if there is nothing to read.
  public static func size(at path: String, limits: Limits = Limits()) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { return 0 }
    guard status.st_mode & S_IFMT == S_IFDIR else { return max(0, Int(status.st_size)) }
    var walk = FolderWalk(root: path, deepest: FolderReader.deepest, limits: limits)
    // Faults of the folder are reported when it is opened.
    guard (try? walk.run()) != nil else { return 0 }
    return walk.files.reduce(0) { total, file in
      let components = file.path.components
      let known = KnownFile(components) ?? KnownFile(components.dropFirst())
      guard let part = known?.part, Self.isDigested(part) else { return total }
      return total + file.size
    }
  }

  /// Gradients and optimizer states of a folder may be larger than memory and are omitted from its digest.
  static func isDigested(_ part: Part?) -> Bool { part != .gradients && part != .optimizers }
}
