import Diagnostics
import Files
import Foundation
import SystemPackage

/// All plugins on the search path.
///
/// Those that ship with Clues are loaded. Of the others only the manifests are read, and no code runs before it is requested;
/// code that is not trusted never runs.
///
/// If two files have the same name, the first on the path counts; if two files provide the same id, requesting that id is an
/// error, because it is ambiguous.
public struct PluginCatalog: Sendable {
  public let libraries: [Library]
  /// Files that are not usable plugins, and why.
  public let problems: [Failure]

  /// A library and where it was found.
  public struct Library: Sendable {
    public let file: PluginLibraryFile
    public let origin: PluginSearchPath.Origin
    /// Whether it may run; nil for those that ship with Clues.
    public let trustStatus: UntrustedLibrary.TrustStatus?
  }

  /// - parameters:
  ///   - trust: The other libraries that may run.
  ///   - isolation: Where they run.
  public init(_ path: PluginSearchPath, trust: TrustStore = .empty, isolation: Isolation = .process()) throws {
    var libraries: [Library] = []
    var problems: [Failure] = []
    var seen: Set<String> = []
    for place in path.places {
      for file in try path.files(in: place) where seen.insert(FilePath(file).name).inserted {
        do {
          libraries.append(try Self.library(at: file, place.origin, trust, isolation))
        } catch let failure as Failure {
          problems.append(failure)
        }
      }
    }
    self.libraries = libraries
    self.problems = problems
  }

  private static func library(
    at path: String, _ origin: PluginSearchPath.Origin, _ trust: TrustStore, _ isolation: Isolation
  ) throws -> Library {
    if origin == .builtIn {
      return Library(file: try PluginLibraryFile(loading: path), origin: origin, trustStatus: nil)
    }
    let candidate = try UntrustedLibrary(path: path, trust: trust)
    return Library(
      file: try candidate.library(isolation: isolation), origin: origin, trustStatus: candidate.trustStatus)
  }

  public var mergeMethods: [MergeMethodPlugin] { libraries.flatMap(\.file.mergeMethods) }
  public var scorers: [ScorerPlugin] { libraries.flatMap(\.file.scorers) }
  public var thresholdRules: [ThresholdRulePlugin] { libraries.flatMap(\.file.thresholdRules) }

  public func mergeMethod(_ id: String) throws -> MergeMethodPlugin { try admitted(id, in: mergeMethods, \.about) }
  public func scorer(_ id: String) throws -> ScorerPlugin { try admitted(id, in: scorers, \.about) }
  public func thresholdRule(_ id: String) throws -> ThresholdRulePlugin {
    try admitted(id, in: thresholdRules, \.about)
  }

  /// The entry with this id, of any kind.
  public func entry(_ id: String) throws -> PluginDescription {
    try find(id, in: libraries.flatMap(\.file.entries), \.self)
  }

  /// The only plugin with this id, if it may run.
  private func admitted<Plugin>(
    _ id: String, in plugins: [Plugin], _ about: KeyPath<Plugin, PluginDescription>
  ) throws -> Plugin {
    let plugin = try find(id, in: plugins, about)
    let library = libraries.first { $0.file.identity == plugin[keyPath: about].library }
    if let refusal = library?.file.refusal { throw refusal }
    return plugin
  }

  private func find<Plugin>(
    _ id: String, in plugins: [Plugin], _ about: KeyPath<Plugin, PluginDescription>
  ) throws -> Plugin {
    let found = plugins.filter { $0[keyPath: about].id == id }
    guard let first = found.first else {
      let kind = plugins.first?[keyPath: about].kind.rawValue ?? "plugin"
      var advice = suggestion(for: id, among: plugins.map { $0[keyPath: about].id })
      advice += (advice.hasSuffix("?") ? " " : "; ") + "`clues plugins list` shows what there is"
      if !problems.isEmpty { advice += " and which files could not be loaded" }
      throw Failure(.pluginNotFound, "there is no \(kind) '\(id)'", advice: advice)
    }
    guard found.count == 1 else {
      let files = found.map { $0[keyPath: about].library.path }.joined(separator: ", ")
      throw Failure(
        .pluginFailed, "'\(id)' is provided more than once: \(files)",
        advice: "remove all but one of them from the path")
    }
    return first
  }
}
