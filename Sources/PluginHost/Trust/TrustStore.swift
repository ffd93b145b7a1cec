import Diagnostics
import Files
import JSON
import SystemPackage

/// The libraries that the user lets run, by the SHA-256 of their files.
///
/// Kept in `$XDG_CONFIG_HOME/clues/trusted.json`, or `~/.config/clues/trusted.json`.
public struct TrustStore: Sendable {
  /// Where it is kept; nil when there is no home, and then nothing is trusted.
  public let path: String?
  public private(set) var entries: [Entry]

  /// One library that is trusted.
  public struct Entry: Sendable, Equatable {
    public let sha256: String
    /// Where the file was when it was trusted; a file is told by its digest alone.
    public let path: String
    public let library: String
    public let version: String

    public init(sha256: String, path: String, library: String, version: String) {
      self.sha256 = sha256
      self.path = path
      self.library = library
      self.version = version
    }
  }

  private static let schema = "clues/trusted/1"

  /// Trusts nothing, and keeps nothing.
  public static let empty = TrustStore()

  private init() { (path, entries) = (nil, []) }

  /// Reads the user's store; one that is not there yet is empty.
  ///
  /// - throws: ``Failure`` `untrustedPlugin` when others could have written it, `badData` when it makes no sense.
  public init(environment: [String: String]) throws {
    try self.init(path: Self.path(in: environment))
  }

  /// Where the store of a user is.
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
    let value = try bytes.withUnsafeBytes { try JSONReader().read($0) }
    func text(_ object: JSONObject, _ key: String) throws -> String {
      guard let text = object[key]?.stringValue else {
        throw Failure(.badData, "the list of trusted plugins has an entry without '\(key)'", advice: advice)
      }
      return text
    }
    guard let object = value.objectValue, object["schema"]?.stringValue == schema,
      let list = object["plugins"]?.arrayValue
    else { throw Failure(.badData, "is no list of trusted plugins", advice: advice) }
    return try list.map { value in
      guard let entry = value.objectValue else {
        throw Failure(.badData, "the list of trusted plugins has an entry that is no object", advice: advice)
      }
      let digest = try text(entry, "sha256")
      guard digest.count == 64, digest.allSatisfy({ $0.isHexDigit && !$0.isUppercase }) else {
        throw Failure(.badData, "'\(digest)' is no SHA-256 in lower case", advice: advice)
      }
      return Entry(
        sha256: digest, path: try text(entry, "path"), library: try text(entry, "library"),
        version: try text(entry, "version"))
    }
  }

  private static let advice = "remove the file and trust your plugins anew: clues plugins trust FILE"

  public func trusts(_ digest: String) -> Bool { entries.contains { $0.sha256 == digest } }

  /// The digest under which a file at this path was trusted.
  public func digest(trustedAt path: String) -> String? { entries.last { $0.path == path }?.sha256 }

  /// Adds a library, and saves.
  public mutating func trust(_ entry: Entry) throws {
    try change { entries in
      // Of one file only the last state counts.
      entries.removeAll { $0.sha256 == entry.sha256 || $0.path == entry.path }
      entries.append(entry)
    }
  }

  /// Removes all entries with one of these digests or paths, and saves; gives those that were there.
  public mutating func untrust(_ digestsOrPaths: String...) throws -> [Entry] {
    // Where there is no list nothing is trusted.
    guard let path, FilePath(path).exists else { return [] }
    var found: [Entry] = []
    try change { entries in
      found = entries.filter { digestsOrPaths.contains($0.sha256) || digestsOrPaths.contains($0.path) }
      entries.removeAll { found.contains($0) }
    }
    return found
  }

  /// Changes the list as it is now, which need not be how it was read: others may change it, too.
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
    if current != before { try file.replace(with: Self.text(current)) }
    entries = current
  }

  private static func text(_ entries: [Entry]) -> String {
    let value: JSONValue = .object([
      "schema": .string(schema),
      "plugins": .array(
        entries.map {
          [
            "sha256": .string($0.sha256), "path": .string($0.path), "library": .string($0.library),
            "version": .string($0.version),
          ]
        }),
    ])
    return value.text(indented: true) + "\n"
  }
}
