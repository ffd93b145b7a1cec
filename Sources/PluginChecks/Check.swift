import PluginHost

/// One requirement of the contract, and how it is tested.
public struct Check: Sendable {
  /// The name by which it is selected.
  public let id: String
  /// What a plugin must do to pass, in one sentence.
  public let about: String
  /// What an author can do if it does not pass.
  public let advice: String
  /// What a crash in this check means beyond its signal; nil if nothing.
  let meaningOfCrash: String?
  let body: Body

  enum Body: Sendable {
    /// Examines only the file, or how it is loaded.
    case library(@Sendable (CheckContext) throws -> Finding)
    /// Tests one entry after the other, out of those of some kinds.
    case entry([PluginDescription.Kind], @Sendable (PluginUnderTest) throws -> Finding)
  }

  /// A check of the library as a whole.
  static func library(
    _ id: String, _ about: String, advice: String, crash: String? = nil,
    _ body: @escaping @Sendable (CheckContext) throws -> Finding
  ) -> Check {
    Check(id: id, about: about, advice: advice, meaningOfCrash: crash, body: .library(body))
  }

  /// A check of every entry of some kinds; by default of all.
  static func entry(
    _ id: String, _ about: String, of kinds: [PluginDescription.Kind] = PluginDescription.Kind.allCases,
    advice: String, crash: String? = nil, _ body: @escaping @Sendable (PluginUnderTest) throws -> Finding
  ) -> Check {
    Check(id: id, about: about, advice: advice, meaningOfCrash: crash, body: .entry(kinds, body))
  }

  /// A check of how entries of some kinds work; skipped if one refuses ordinary data.
  static func work(
    _ id: String, _ about: String, of kinds: [PluginDescription.Kind] = PluginDescription.Kind.allCases,
    advice: String, crash: String? = nil, _ body: @escaping @Sendable (PluginUnderTest) throws -> Finding
  ) -> Check {
    entry(id, about, of: kinds, advice: advice, crash: crash) { try $0.idleness ?? body($0) }
  }

  /// Whether it runs a plugin in several threads, or checks whether one starts any: no other check lets threads start.
  var startsThreads: Bool { ["interleaved", "threads", "threads-left"].contains(id) }

  /// All checks, in the order in which they run.
  public static let all: [Check] =
    loading + entryFunction + parameters + life + numbers + values + memory + processState + scoring + surveying

  /// Without these, nothing else can be checked.
  static let foundations = ["loads", "tables"]
}
