import CluesPluginABI
import Diagnostics
import Foundation

/// A plugin library that is loaded, and what it says it holds.
///
/// A library is never unloaded: the Swift runtime and others keep pointers into it.
public struct PluginLibraryFile: Sendable {
  public let path: String
  public let name: String
  public let version: String
  public let vendor: String?
  public let license: String?
  /// The minor version of the contract that it was built with.
  public let abiMinor: Int
  public let mergeMethods: [MergeMethodPlugin]
  public let scorers: [ScorerPlugin]
  public let thresholdRules: [ThresholdRulePlugin]

  /// Loads the library at `path` and reads its tables.
  ///
  /// - throws: ``Failure`` `pluginFailed` when it cannot be loaded or breaks the contract.
  public init(loading path: String) throws {
    self = try locating(file: path) { try Self(opening: path) }
  }

  private init(opening path: String) throws {
    // Resolving every symbol now turns a missing one into an error here instead of a crash later.
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      throw Failure(
        .pluginFailed, "cannot be loaded: \(String(cString: dlerror()))",
        advice: "a plugin must be built for this system and may need libraries that are not installed")
    }
    guard let symbol = dlsym(handle, CLUES_PLUGIN_ENTRY) else {
      throw Failure(
        .pluginFailed, "exports no \(CLUES_PLUGIN_ENTRY)",
        advice: "it is no Clues plugin, or one of another major version")
    }
    typealias Entry = @convention(c) (UInt32) -> UnsafePointer<clues_plugin>?
    guard let pointer = unsafeBitCast(symbol, to: Entry.self)(CLUES_ABI_MINOR) else {
      throw Failure(
        .pluginFailed, "does not run in this host, which offers version 1.\(CLUES_ABI_MINOR) of the contract")
    }
    let table = try sized(pointer, CLUES_PLUGIN_SIZE, "itself")
    guard let name = table.name, let version = table.version else {
      throw Failure(.pluginFailed, "names neither itself nor its version")
    }
    self.path = path
    self.name = String(cString: name)
    self.version = String(cString: version)
    vendor = table.vendor.map { String(cString: $0) }
    license = table.license.map { String(cString: $0) }
    abiMinor = Int(table.abi_minor)
    let library = PluginIdentity(path: path, library: self.name, version: self.version)
    mergeMethods = try tables(table.merge_methods, table.merge_method_count).map { try .init($0, in: library) }
    scorers = try tables(table.scorers, table.scorer_count).map { try .init($0, in: library) }
    thresholdRules = try tables(table.threshold_rules, table.threshold_rule_count).map { try .init($0, in: library) }
  }

  /// The ids of everything in it.
  public var entries: [PluginDescription] {
    mergeMethods.map(\.about) + scorers.map(\.about) + thresholdRules.map(\.about)
  }
}

/// Which library an entry comes from.
public struct PluginIdentity: Sendable, Hashable {
  public let path: String
  public let library: String
  public let version: String
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
  }

  init(_ about: UnsafePointer<clues_descriptor>?, kind: Kind, in library: PluginIdentity) throws {
    guard let about = try about.map({ try sized($0, CLUES_DESCRIPTOR_SIZE, "an entry") }), let id = about.id,
      let summary = about.summary
    else { throw Failure(.pluginFailed, "has a \(kind.rawValue) without id or summary") }
    self.kind = kind
    self.id = String(cString: id)
    guard !self.id.isEmpty, self.id.utf8.allSatisfy(Self.isIdCharacter) else {
      throw Failure(
        .pluginFailed, "names an entry '\(self.id)'; ids are made of lower case letters, digits, '-' and '.'")
    }
    self.summary = String(cString: summary)
    details = about.details.map { String(cString: $0) } ?? ""
    reference = about.reference.map { String(cString: $0) } ?? ""
    self.library = library
    do {
      parameters = try ParameterSchema(text: about.parameters.map { String(cString: $0) })
    } catch let failure as Failure {
      throw Failure(failure.kind, "\(self.id): \(failure.message)", advice: failure.advice)
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

private func tables<Table>(
  _ pointers: UnsafePointer<UnsafePointer<Table>?>?, _ count: UInt32
) throws -> [UnsafePointer<Table>] {
  guard count > 0 else { return [] }
  guard count <= 4096, let pointers else { throw Failure(.pluginFailed, "claims \(count) entries that are not there") }
  return try (0..<Int(count)).map { place in
    guard let table = pointers[place] else { throw Failure(.pluginFailed, "its entry \(place) is missing") }
    return table
  }
}
