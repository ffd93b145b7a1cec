import Diagnostics
import Digests
import Files
import SystemPackage
import Tensors

/// Packs a client's known files, in a fixed order, with a new manifest.
///
/// The same input gives the same bytes: times, owners, names of folders on disk and threads do not affect them.
public struct BundleWriter: Sendable {
  /// The parts to leave out; see ``optionalParts``.
  public var leavingOut: Set<Part> = []

  /// The client's name, if not that of the bundle.
  public var client: String?

  /// The client's own domain, if not that of the bundle.
  public var domain: String?

  /// Whether an existing file may be replaced.
  public var replaces = false

  /// Changes the content of a file before it is packed, by its path in the bundle; the result is held until the archive is
  /// written, because the manifest comes first.
  public var transform: (@Sendable (String, Bytes) throws -> Bytes)?

  /// Receives how many bytes of the files are written, and of how many; throws to stop packing.
  public var progress: (@Sendable (_ done: Int, _ total: Int) throws -> Void)?

  /// Throws if the user has asked to stop; called while the archive is written.
  public var interruption: @Sendable () throws -> Void = {}

  public init() {}

  /// The parts that may be left out.
  public static let optionalParts: [Part] = [.gradients, .ledger, .optimizers, .samples, .trainerStates]

  /// Opens the bundle or folder at `source` and packs it into `output`, whose extension selects the format.
  ///
  /// - throws: ``Failure`` as ``Bundle/open(_:wanting:adapter:checkpoint:limits:)`` and ``write(_:to:)``.
  public func pack(_ source: String, to output: String, adapter: String? = nil, limits: Limits = Limits()) throws
    -> PackingList
  {
    try checkRequest(output)
    // Samples are always read: their counts and their domain go into the manifest even if the samples are left out.
    let parts = Set(Part.allCases).subtracting(leavingOut).union([.samples])
    return try write(Bundle.open(source, wanting: parts, adapter: adapter, limits: limits), to: output)
  }

  /// Packs `bundle`, whose packed files must have been read.
  ///
  /// - returns: What was packed and what was not.
  /// - throws: ``Failure`` `cannotWrite`, and `usage` for an unknown extension or a part that cannot be left out.
  public func write(_ bundle: Bundle, to output: String) throws -> PackingList {
    let format = try checkRequest(output)
    try bundle.refuseMisplaced(Set(Part.allCases).subtracting(leavingOut))
    var list = PackingList()
    list.notes = MisplacedEvidence.notes(bundle.misplaced)
    var entries: [(path: String, content: Bytes)] = []
    var manifest = try freshManifest(bundle)
    for file in bundle.files {
      guard let part = file.part else { continue }
      if leavingOut.contains(part) {
        list.leftOut.append(.init(path: file.path, bytes: file.size, reason: .part(part)))
        continue
      }
      try interruption()
      let original = try file.bytes()
      let content = try locating(file: file.name) { try transform?(file.path, original) ?? original }
      manifest.files?[file.path] = .init(
        bytes: content.count, sha256: try sha256(of: content) { _ in try Interruption.check() })
      entries.append((file.path, content))
    }
    entries.insert(("clues.json", Bytes(manifest.text.utf8)), at: 0)
    list.leftOut += bundle.ignored.map { .init(path: $0.path, bytes: $0.size, reason: .unknown) }
    let parts = Dictionary(bundle.files.map { ($0.path, $0.part) }) { first, _ in first }
    list.packed = entries.map { .init(path: $0.path, bytes: $0.content.count, part: parts[$0.path] ?? nil) }
    let writer = try ArchiveWriter(output, format: format, interruption: interruption)
    let total = entries.reduce(0) { $0 + $1.content.count }
    var done = 0
    for entry in entries {
      try writer.add(entry.path, entry.content) {
        done += $0
        try progress?(done, total)
      }
    }
    list.archiveBytes = try writer.finish(replacing: replaces)
    list.manifest = manifest
    return list
  }

  @discardableResult
  private func checkRequest(_ output: String) throws -> PackedFormat {
    for part in leavingOut where !Self.optionalParts.contains(part) {
      throw Failure(
        .usage, "the part '\(part.rawValue)' cannot be left out",
        advice: "leave out \(Self.optionalParts.map(\.rawValue).joined(separator: ", "))")
    }
    let format = try PackedFormat(ending: output)
    if !replaces, FilePath(output).exists { throw Failure.exists(at: output) }
    return format
  }

  private func freshManifest(_ bundle: Bundle) throws -> Manifest {
    var manifest = Manifest()
    manifest.client = client ?? bundle.client
    manifest.domain = domain ?? bundle.domain
    manifest.samples = bundle.sampleTally?.counts ?? bundle.manifest?.samples ?? [:]
    manifest.files = [:]
    if let client { try ClientName.check(client, of: "client") }
    if let domain = manifest.domain { try ClientName.check(domain, of: "domain") }
    return manifest
  }
}

/// What a bundle discloses, and what it does not.
public struct PackingList: Sendable {
  /// The files in the archive, in its order.
  public internal(set) var packed: [Packed] = []

  /// The files that were present but not packed.
  public internal(set) var leftOut: [LeftOut] = []

  /// Notes on evidence in the wrong folder.
  public internal(set) var notes: [String] = []

  /// The size of the archive.
  public internal(set) var archiveBytes = 0

  /// The manifest that was written.
  public internal(set) var manifest = Manifest()

  public struct Packed: Sendable, Equatable {
    public let path: String
    public let bytes: Int
    /// The part it belongs to; nil for the manifest.
    public let part: Part?
  }

  public struct LeftOut: Sendable, Equatable {
    public let path: String
    public let bytes: Int
    public let reason: Reason
  }

  public enum Reason: Sendable, Equatable {
    /// Its part was to be left out.
    case part(Part)
    /// Clues does not know it.
    case unknown
  }
}
