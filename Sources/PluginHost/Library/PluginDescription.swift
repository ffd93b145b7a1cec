import CluesPluginABI
import Diagnostics
import Digests
import Tensors

/// The library that provides an entry.
public struct PluginIdentity: Sendable, Hashable {
  public let path: String
  public let library: String
  public let version: String
  /// The SHA-256 of the file whose code runs, if known; a library that ships with Clues is not digested for every run.
  public let digest: String?
  /// Whether it ships with Clues.
  var isBuiltIn = false

  /// The SHA-256 of the file, computed now if necessary.
  public func digested() throws -> String { try digest ?? sha256(of: Bytes(mapping: path)) }
}

/// What an entry of a library says about itself.
public struct PluginDescription: Sendable {
  public let kind: Kind
  public let id: String
  public let summary: String
  public let details: String
  public let reference: String
  public let parameters: ParameterSchema
  public let library: PluginIdentity

  public enum Kind: String, Sendable, CaseIterable {
    case mergeMethod = "merge method"
    case scorer
    case thresholdRule = "threshold rule"

    /// Its index among all kinds.
    var index: Int { Self.allCases.firstIndex(of: self)! }
  }

  init(_ about: UnsafePointer<clues_descriptor>?, kind: Kind, in library: PluginIdentity) throws {
    guard let about = try about.map({ try sized($0, CLUES_DESCRIPTOR_SIZE, "an entry") }), let id = about.id,
      let summary = about.summary
    else { throw Failure(.pluginFailed, "has a \(kind.rawValue) without id or summary") }
    try self.init(
      kind: kind, id: String(cString: id), summary: String(cString: summary),
      details: about.details.map { String(cString: $0) } ?? "",
      reference: about.reference.map { String(cString: $0) } ?? "",
      parameters: { try ParameterSchema(text: about.parameters.map { String(cString: $0) }) }, in: library)
  }

  init(
    kind: Kind, id: String, summary: String, details: String, reference: String,
    parameters: () throws -> ParameterSchema, in library: PluginIdentity
  ) throws {
    guard !id.isEmpty, id.utf8.allSatisfy(Self.isIdCharacter) else {
      throw Failure(.pluginFailed, "names an entry '\(id)'; ids are made of lower case letters, digits, '-' and '.'")
    }
    self.kind = kind
    self.id = id
    self.summary = summary
    self.details = details
    self.reference = reference
    self.library = library
    do {
      self.parameters = try parameters()
    } catch let failure as Failure {
      throw Failure(failure.kind, "\(id): \(failure.message)", advice: failure.advice)
    }
  }

  private static func isIdCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }
}
