import Diagnostics
import Digests
import JSON
import Tensors

/// What `clues.json` says about its bundle.
public struct Manifest: JSONRecord, Equatable {
  /// The client's name.
  public var client: String?

  /// The client's own domain.
  public var domain: String?

  /// The number of samples in each split.
  public var samples: [String: Int] = [:]

  /// Size and SHA-256 of the other files, by path; nil if the manifest does not list files.
  public var files: [String: Fingerprint]?

  /// Size and SHA-256 of one file.
  public struct Fingerprint: JSONRecord, Equatable {
    public var bytes = 0
    /// 64 hexadecimal digits, lower case.
    public var sha256 = ""

    package init() {}

    init(bytes: Int, sha256: String) { (self.bytes, self.sha256) = (bytes, sha256) }

    package static let fields: [JSONField<Self>] = [
      .key("bytes", \.bytes, .count), .key("sha256", \.sha256, .sha256),
    ]
  }

  /// The only version of the format so far.
  public static let format = 1

  private var version = format

  package init() {}

  package static let fields: [JSONField<Self>] = [
    .key("format", \.version, .whole), .optional("client", \.client, .name(of: "client"), isWritten: false),
    .optional("domain", \.domain, .name(of: "domain"), isWritten: false),
    .unlessEmpty("samples", \.samples, .dictionary(of: .count)),
    .optional("files", \.files, .dictionary(of: .record), isWritten: false),
  ]

  /// Reads `clues.json`.
  ///
  /// - throws: ``Failure`` `badData`, also for an unknown version.
  init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    guard let object = try bytes.withUnsafeBytes({ try JSONReader(limits).read($0) }).objectValue else {
      throw Failure(.badData, "is not a JSON object")
    }
    guard object["format"]?.intValue == Self.format else {
      let found = object["format"].map { $0.text() } ?? "none"
      throw Failure(
        .badData, "has the format version \(found), and only \(Self.format) can be read here",
        advice: "use a newer Clues, or pack the bundle again")
    }
    try self.init(.object(object))
  }

  /// The text of `clues.json`.
  var text: String { json.text(indented: true) + "\n" }
}

extension JSONKind<String> {
  fileprivate static func name(of key: String) -> JSONKind { text.checked { try ClientName.check($0, of: key) } }
}

extension Manifest {
  /// Compares the entries, by path, and the content that was read with the manifest.
  ///
  /// - throws: ``Failure`` `badData` for a file that is missing, has a different size or content, or is not listed.
  func verify(present: [String: BundleEntry], read files: [BundleFile]) throws {
    guard let promised = self.files else { return }
    for (path, fingerprint) in promised.sorted(by: { $0.key < $1.key }) {
      guard let entry = present[path] else {
        throw Failure(
          .badData, "lacks '\(String(showing: Array(path.utf8)))', which clues.json lists", advice: .copyAgain)
      }
      guard entry.size == fingerprint.bytes else {
        throw Failure(
          .badData, "has '\(path)' with \(entry.size) bytes, but clues.json says \(fingerprint.bytes)",
          advice: .copyAgain)
      }
    }
    for file in files where file.part != nil {
      guard let content = file.content else { continue }
      guard let fingerprint = promised[file.path] else {
        throw Failure(
          .badData, "is not listed in clues.json, although that lists files",
          advice: "pack the bundle again, or remove clues.json", file: file.name)
      }
      guard try sha256(of: content, progress: { _ in try Interruption.check() }) == fingerprint.sha256 else {
        throw Failure(
          .badData, "does not match the SHA-256 in clues.json",
          advice: "it was changed or damaged after packing: \(String.copyAgain)", file: file.name)
      }
    }
  }

  /// Compares the counts of samples with those of `samples.jsonl` or of the ledger, by split.
  func verify(_ counts: [String: Int]) throws {
    for (split, count) in samples.sorted(by: { $0.key < $1.key }) {
      let found = counts[split] ?? 0
      guard count == found else {
        throw Failure(
          .badData, "has \(found) samples of the split '\(split)', but clues.json says \(count)",
          advice: "pack the bundle again")
      }
    }
  }
}
