import Diagnostics
import Digests
import JSON
import Tensors

/// What `clues.json` says about its bundle.
public struct Manifest: Sendable, Equatable {
  /// The client's name.
  public var client: String?

  /// The client's own domain.
  public var domain: String?

  /// How many samples there are in each split.
  public var samples: [String: Int] = [:]

  /// Size and SHA-256 of the other files, by path; nil when the manifest does not speak of files.
  public var files: [String: Fingerprint]?

  /// Size and SHA-256 of one file.
  public struct Fingerprint: Sendable, Equatable {
    public var bytes: Int
    /// 64 hexadecimal digits, lower case.
    public var sha256: String
  }

  /// The only version of the format so far.
  public static let format = 1

  init() {}

  /// Reads `clues.json`.
  ///
  /// - throws: ``Failure`` `badData`, also for a version that is not known here.
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
    client = try Self.name("client", in: object)
    domain = try Self.name("domain", in: object)
    samples = try Self.samples(object["samples"])
    files = try object["files"].map(Self.files)
  }

  private static func name(_ key: String, in object: JSONObject) throws -> String? {
    guard let value = object[key], !value.isNull else { return nil }
    guard let name = value.stringValue else {
      throw Failure(.badData, "has \(value.kindName) under '\(key)' where a text is due")
    }
    try ClientName.check(name, of: key)
    return name
  }

  private static func samples(_ value: JSONValue?) throws -> [String: Int] {
    guard let value, !value.isNull else { return [:] }
    guard let object = value.objectValue else { throw Failure(.badData, "has no count of samples under 'samples'") }
    var samples: [String: Int] = [:]
    for (split, count) in object.members {
      guard let count = count.intValue, count >= 0 else {
        throw Failure(.badData, "has no count of samples under '\(split)'")
      }
      samples[split] = count
    }
    return samples
  }

  private static func files(_ value: JSONValue) throws -> [String: Fingerprint] {
    guard let object = value.objectValue else {
      throw Failure(.badData, "has \(value.kindName) under 'files' where an object is due")
    }
    var files: [String: Fingerprint] = [:]
    for (path, value) in object.members {
      guard let bytes = value.objectValue?["bytes"]?.intValue, bytes >= 0,
        let digest = value.objectValue?["sha256"]?.stringValue, digest.utf8.count == 64,
        digest.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
      else {
        throw Failure(.badData, "has no size and SHA-256 for '\(String(showing: Array(path.utf8)))'")
      }
      files[path] = Fingerprint(bytes: bytes, sha256: digest)
    }
    return files
  }

  /// The text of `clues.json`, keys in a fixed order.
  var text: String {
    var object = JSONObject([("format", JSONValue(Self.format))])
    if let client { object["client"] = .string(client) }
    if let domain { object["domain"] = .string(domain) }
    if !samples.isEmpty {
      object["samples"] = .object(JSONObject(samples.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }))
    }
    if let files {
      object["files"] = .object(
        JSONObject(
          files.sorted { $0.key < $1.key }
            .map { ($0.key, ["bytes": JSONValue($0.value.bytes), "sha256": .string($0.value.sha256)]) }))
    }
    return JSONValue.object(object).text(indented: true) + "\n"
  }
}

extension Manifest {
  /// Compares what is there, by path, and what was read of it with what the manifest promises.
  ///
  /// - throws: ``Failure`` `badData` for a file that is missing, of another size or content, or not listed.
  func verify(present: [String: BundleEntry], read files: [BundleFile]) throws {
    guard let promised = self.files else { return }
    for (path, fingerprint) in promised.sorted(by: { $0.key < $1.key }) {
      guard let entry = present[path] else {
        throw Failure(
          .badData, "lacks '\(String(showing: Array(path.utf8)))', which clues.json lists", advice: .copyAgain)
      }
      guard entry.size == fingerprint.bytes else {
        throw Failure(
          .badData, "has '\(path)' with \(entry.size) bytes where clues.json promises \(fingerprint.bytes)",
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

  /// Compares the counts of samples with those of `samples.jsonl`.
  func verify(_ tally: SampleTally) throws {
    for (split, count) in samples.sorted(by: { $0.key < $1.key }) {
      let found = tally.counts[split] ?? 0
      guard count == found else {
        throw Failure(
          .badData, "has \(found) samples of the split '\(split)' where clues.json promises \(count)",
          advice: "pack the bundle again")
      }
    }
  }
}
