import Diagnostics
import Digests
import Files
import Glibc
import JSON
import SystemPackage
import Tensors

/// A library that did not come with Clues, known by its file and its manifest; none of its code has run.
public struct UntrustedLibrary: Sendable {
  public let path: String
  public let digest: String
  public let trustStatus: TrustStatus
  private let bytes: Bytes
  private let manifest: JSONObject

  /// Whether a library may run.
  public enum TrustStatus: Sendable, Equatable {
    case trusted
    case untrusted
    /// The file differs from the trusted one, which had this digest.
    case changed(from: String)
    /// Someone other than the user could change the file, as described; trusted or not, it does not run.
    case exposed(Failure)
  }

  /// The maximum size of a plugin file, in bytes.
  static let largest = 512 << 20

  /// Reads the file at `path` once: what is digested here is what runs later.
  ///
  /// - throws: ``Failure`` `pluginFailed` if it is not a plugin with a manifest.
  public init(path: String, trust: TrustStore) throws {
    self.path = path
    bytes = try Self.read(path)
    digest = sha256(of: bytes)
    trustStatus = Self.trustStatus(of: path, digest, trust)
    manifest = try locating(file: path) { [bytes] in try PluginManifest.read(from: bytes) }
  }

  private static func trustStatus(of path: String, _ digest: String, _ trust: TrustStore) -> TrustStatus {
    do {
      try checkOwner(of: path)
    } catch {
      return .exposed(error)
    }
    if trust.trusts(digest) { return .trusted }
    let place = FilePath(path).absolute.string
    return trust.digest(trustedAt: place).map { .changed(from: $0) } ?? .untrusted
  }

  /// Refuses a library that must not even be trusted.
  public func checkThatNobodyElseCanChangeIt() throws {
    if case .exposed(let failure) = trustStatus { throw failure }
  }

  /// The library with access to its code, or without if it is not trusted.
  public func library(isolation: Isolation) throws -> PluginLibraryFile {
    if trustStatus == .trusted, case .none = isolation { return try loaded() }
    guard trustStatus == .trusted, case .process(let settings) = isolation else { return try described() }
    return try library(untrustedIn: settings)
  }

  /// The manifest that the library at `path` should have: the content of its tables, read in a worker.
  public static func manifest(ofUnmarked path: String, settings: WorkerSettings = .init()) throws -> JSONValue {
    let name = FilePath(path).name
    let code = try SealedFile(read(path), name: name)
    let library = PluginIdentity(path: path, library: name, version: "", digest: nil)
    return try JSONReader().read(WorkerProcess(library, code: code, settings: settings).manifest)
  }

  /// The library with access to its code in workers, trusted or not: for tests.
  package func library(untrustedIn settings: WorkerSettings) throws -> PluginLibraryFile {
    let known = try described()
    let pool = WorkerPool(known.identity, bytes, manifest: known.manifest, settings: settings)
    return try PluginLibraryFile(manifest, path: path, digest: digest, access: .workers(pool))
  }

  /// The library as its manifest describes it, without access to its code.
  private func described() throws -> PluginLibraryFile {
    try locating(file: path) {
      try PluginLibraryFile(manifest, path: path, digest: digest, access: .refused(refusal))
    }
  }

  /// Loaded into this process, from an immutable copy.
  private func loaded() throws -> PluginLibraryFile {
    let copy = try SealedFile(bytes, name: FilePath(path).name)
    // Never closed: the loader identifies libraries by path, and would take the next file with this number for this one.
    _ = Unmanaged.passRetained(copy)
    let library = try PluginLibraryFile(loading: copy.path, as: path, digest: digest)
    let declared = try PluginLibraryFile(manifest, path: path, digest: digest, access: .refused(refusal))
    guard library.manifest == declared.manifest else { throw PluginManifest.mismatch(path) }
    return library
  }

  private var refusal: Failure {
    if case .exposed(let failure) = trustStatus { return failure }
    var failure = Failure(
      .untrustedPlugin, "is not trusted, so it does not run; its SHA-256 is \(digest)", file: path)
    failure.advice =
      "look at it (clues plugins list, clues plugins check \(path)), and if you trust its author: clues plugins trust \(path)"
    if case .changed(let before) = trustStatus {
      failure.message = "has changed since it was trusted: its SHA-256 was \(before) and is \(digest)"
      failure.advice = "find out why, and if the change is intended: clues plugins trust \(path)"
    }
    return failure
  }

  /// The file at `path`, regardless of its owner.
  package static func read(_ path: String) throws -> Bytes {
    try locating(file: path) {
      let file = try openToRead(path)
      defer { close(file) }
      let size = Int(try regularStatus(of: file, else: .pluginFailed).st_size)
      guard size <= largest else {
        throw Failure(.pluginFailed, "is larger than a plugin may be: \(largest) bytes")
      }
      // A copy: a mapping would change with the file.
      return Bytes(
        try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
          try readAll(file, at: 0, into: UnsafeMutableRawBufferPointer(buffer))
          filled = size
        })
    }
  }
}
