import Diagnostics
import Files
import JSON
import SystemPackage

/// The libraries that the user allows to run, by the SHA-256 of their files.
///
/// Kept in `$XDG_CONFIG_HOME/clues/trusted.json`, or `~/.config/clues/trusted.json`.
public struct TrustStore: Sendable {
  /// Where it is kept; nil if there is no home, and nothing is trusted then.
  public let path: String?
  public private(set) var entries: [Entry]

  /// A trusted library.
  public struct Entry: JSONRecord, Equatable {
    public private(set) var sha256 = ""
    /// Where the file was when it was trusted; only its digest identifies it.
    public private(set) var path = ""
    public private(set) var library = ""
    public private(set) var version = ""

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("sha256", \.sha256, .sha256), .key("path", \.path, .text), .key("library", \.library, .text),
      .key("version", \.version, .text),
    ]

    public init(sha256: String, path: String, library: String, version: String) {
      self.sha256 = sha256
      self.path = path
      self.library = library
      self.version = version
    }
  }

  /// The file.
  private struct List: JSONDocument {
    var plugins: [Entry] = []

    static let schema = "clues/trusted/1"
    static let foreign = Failure(
      .badData, "is not a list of trusted plugins",
      advice: "remove the file and trust your plugins again: clues plugins trust FILE")
    static let fields: [JSONField<Self>] = [.key("plugins", \.plugins, .list(of: .record))]
  }

  /// Trusts nothing, and stores nothing.
  public static let empty = TrustStore()

  private init() { (path, entries) = (nil, []) }

  /// Reads the user's store; a missing one is empty.
  ///
  /// - throws: ``Failure`` `untrustedPlugin` if others could have written it, `badData` if it is invalid.
  public init(environment: [String: String]) throws {
    try self.init(path: Self.path(in: environment))
  }

  /// The path of a user's store.
  private static func path(in environment: [String: String]) -> String? {
    UserFolder.configuration.path(in: environment)?.appending("trusted.json").string
  }

  init(path: String?) throws {
    self.path = path
    entries = []
    guard let path, FilePath(path).exists else { return }
    try checkOwner(of: path)
    entries = try locating(file: path) { try Self.read(path) }
  }

  private static func read(_ path: String) throws -> [Entry] {
    let bytes: [UInt8]
    do { bytes = try StreamReader(path).bytes() } catch let failure as Failure where failure.kind == .missingInput {
      throw Failure(.untrustedPlugin, "the list of trusted plugins cannot be read")
    }
    return try List(document: bytes.withUnsafeBytes { try JSONReader().read($0) }).plugins
  }

  public func trusts(_ digest: String) -> Bool { entries.contains { $0.sha256 == digest } }

  /// The digest with which a file at this path was trusted.
  public func digest(trustedAt path: String) -> String? { entries.last { $0.path == path }?.sha256 }

  /// Adds a library, and saves.
  public mutating func trust(_ entry: Entry) throws {
    try change { entries in
      // Only the latest state of a file counts.
      entries.removeAll { $0.sha256 == entry.sha256 || $0.path == entry.path }
      entries.append(entry)
    }
  }

  /// Removes all entries with one of these digests or paths, and saves; returns the removed entries.
  public mutating func untrust(_ digestsOrPaths: String...) throws -> [Entry] {
    // Without a list nothing is trusted.
    guard let path, FilePath(path).exists else { return [] }
    var found: [Entry] = []
    try change { entries in
      found = entries.filter { digestsOrPaths.contains($0.sha256) || digestsOrPaths.contains($0.path) }
      entries.removeAll { found.contains($0) }
    }
    return found
  }

  /// Changes the current list, which may differ from the one that was read: others may change it, too.
  private mutating func change(_ body: (inout [Entry]) -> Void) throws {
    guard let path else {
      throw Failure(
        .cannotWrite, "there is no place for the list of trusted plugins",
        advice: "set HOME or XDG_CONFIG_HOME to an absolute path")
    }
    let file = try SharedFile(path, of: "the list of trusted plugins")
    defer { withExtendedLifetime(file) {} }
    var current = try TrustStore(path: path).entries
    let before = current
    body(&current)
    if current != before { try file.replace(with: List(plugins: current).text) }
    entries = current
  }
}
