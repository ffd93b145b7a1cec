import CluesPluginABI
import Diagnostics
import Foundation
import JSON
import Tensors

/// A plugin library and its description of itself.
///
/// The description comes from its tables if it is loaded in this process, or from its manifest if it does not ship with Clues:
/// none of its code has run here then. A loaded library is never unloaded: the Swift runtime and others keep pointers into it.
public struct PluginLibraryFile: Sendable {
  public let identity: PluginIdentity
  public let vendor: String?
  public let license: String?
  /// The minor version of the contract that it was built with.
  public let abiMinor: Int
  public let mergeMethods: [MergeMethodPlugin]
  public let scorers: [ScorerPlugin]
  public let thresholdRules: [ThresholdRulePlugin]
  /// Why none of its code runs; nil if it may.
  let refusal: Failure?

  public var path: String { identity.path }
  public var name: String { identity.library }
  public var version: String { identity.version }

  /// The maximum number of entries of a library: the same for each kind.
  package static let mostEntries = 3 * mostOfAKind
  static let mostOfAKind = 4096

  /// Everything in it.
  public var entries: [PluginDescription] { plugins.map(\.about) }

  /// Everything in it, with where its functions are.
  package var plugins: [(about: PluginDescription, code: PluginCode)] {
    mergeMethods.map { ($0.about, $0.code) } + scorers.map { ($0.about, $0.code) }
      + thresholdRules.map { ($0.about, $0.code) }
  }
}

extension PluginLibraryFile {
  /// Loads the library at `path`, which ships with Clues, into this process and reads its tables.
  ///
  /// - throws: ``Failure`` `pluginFailed` if it cannot be loaded or violates the contract.
  public init(loading path: String) throws {
    self = try locating(file: path) { try Self(opening: path, as: path, digest: nil, isBuiltIn: true) }
  }

  /// Loads a library that does not ship with Clues from `source`; messages call it by `path`.
  package init(loading source: String, as path: String, digest: String?) throws {
    self = try locating(file: path) { try Self(opening: source, as: path, digest: digest, isBuiltIn: false) }
  }

  private init(opening source: String, as path: String, digest: String?, isBuiltIn: Bool) throws {
    let handle = try loadLibrary(
      source, advice: "a plugin must be built for this system and may need libraries that are not installed")
    guard let symbol = dlsym(handle, CLUES_PLUGIN_ENTRY) else {
      throw Failure(
        .pluginFailed, "exports no \(CLUES_PLUGIN_ENTRY)",
        advice: "it is not a Clues plugin, or one of another major version")
    }
    typealias Entry = @convention(c) (UInt32) -> UnsafePointer<clues_plugin>?
    guard let pointer = unsafeBitCast(symbol, to: Entry.self)(CLUES_ABI_MINOR) else {
      throw Failure(
        .pluginFailed, "does not run in this host, which offers version 1.\(CLUES_ABI_MINOR) of the contract")
    }
    let table = try sized(pointer, CLUES_PLUGIN_SIZE, "itself")
    guard let name = table.name, let version = table.version else {
      throw Failure(.pluginFailed, "gives neither its name nor its version")
    }
    let identity = PluginIdentity(
      path: path, library: String(cString: name), version: String(cString: version), digest: digest,
      isBuiltIn: isBuiltIn)
    self.identity = identity
    refusal = nil
    vendor = table.vendor.map { String(cString: $0) }
    license = table.license.map { String(cString: $0) }
    abiMinor = Int(table.abi_minor)
    mergeMethods = try tables(table.merge_methods, table.merge_method_count).map { try .init($0, in: identity) }
    scorers = try tables(table.scorers, table.scorer_count).map { try .init($0, in: identity) }
    thresholdRules = try tables(table.threshold_rules, table.threshold_rule_count).map { try .init($0, in: identity) }
  }
}

private func tables<Table>(
  _ pointers: UnsafePointer<UnsafePointer<Table>?>?, _ count: UInt32
) throws -> [UnsafePointer<Table>] {
  guard count > 0 else { return [] }
  guard count <= PluginLibraryFile.mostOfAKind, let pointers else {
    throw Failure(.pluginFailed, "claims \(count) entries that do not exist")
  }
  return try (0..<Int(count)).map { index in
    guard let table = pointers[index] else { throw Failure(.pluginFailed, "its entry \(index) is missing") }
    return table
  }
}

/// Loads a shared library and keeps it for the life of the process.
///
/// - parameter what: The message if the library is at fault.
/// - throws: ``Failure`` `pluginFailed` with the loader's reason, or `noResources` if the system lacks descriptors or memory.
package func loadLibrary(
  _ source: String, else what: String = "cannot be loaded", advice: String? = nil
) throws -> UnsafeMutableRawPointer {
  // Resolving every symbol now turns a missing one into an error here instead of a crash later.
  if let handle = dlopen(source, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) { return handle }
  let reason = String(cString: dlerror())
  // The loader has no error code, but its text ends with the system's text for the error.
  let shortage = [EMFILE, ENFILE, ENOMEM].first { reason.hasSuffix(String(cString: strerror($0))) }
  if let shortage {
    errno = shortage
    throw Failure(system: .pluginFailed, "a library cannot be loaded")
  }
  throw Failure(
    .pluginFailed, "\(what): \(reason.replacing(source, with: "the file"))",
    advice: missingSwiftAdvice(reason) ?? advice)
}

/// The way out if a library needs a Swift runtime that is not there: nil for other reasons.
///
/// A toolchain outside the system's folders is not visible to a confined plugin, and need not be on other machines at all.
func missingSwiftAdvice(_ reason: String) -> String? {
  guard reason.contains("libswift"), reason.contains("No such file") || reason.contains("cannot open shared object")
  else { return nil }
  return
    "it needs the libraries of a Swift toolchain, which a confined plugin finds only in the system's folders: link it "
    + "with -static-stdlib, as the Package.swift of `clues plugins new` does"
}
