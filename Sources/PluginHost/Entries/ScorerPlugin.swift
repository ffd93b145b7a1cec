import CluesPluginABI
import Diagnostics

/// A scorer of a library.
public struct ScorerPlugin: Sendable {
  public let about: PluginDescription
  /// Whether it scores clients instead of samples.
  public let scoresClients: Bool
  /// Whether all ways to compute its scores give the same ones.
  public let alternativesAgree: Bool
  package let code: PluginCode

  init(_ table: UnsafePointer<clues_scorer>, in library: PluginIdentity) throws {
    let scorer = try sized(table, CLUES_SCORER_SIZE, "a scorer")
    about = try PluginDescription(scorer.about, kind: .scorer, in: library)
    guard [CLUES_SCORES_SAMPLES, CLUES_SCORES_CLIENTS].contains(scorer.granularity) else {
      throw Failure(
        .pluginFailed, "its scorer '\(about.id)' scores something that this host does not know",
        advice: "it may need a newer version of Clues")
    }
    scoresClients = scorer.granularity == CLUES_SCORES_CLIENTS
    let works =
      scoresClients
      ? scorer.score_clients != nil
      : scorer.begin_checkpoint != nil && scorer.end_checkpoint != nil && scorer.finish != nil
    guard scorer.create != nil, scorer.destroy != nil, scorer.needs != nil, works else {
      throw Failure(.pluginFailed, "its scorer '\(about.id)' lacks a function of the contract")
    }
    alternativesAgree = (scorer.about?.pointee.flags ?? 0) & CLUES_ALTERNATIVES_AGREE.rawValue != 0
    code = .here(.scorer(table))
  }

  /// A new instance, for one client and one thread at a time.
  public func makeInstance(_ parameters: ParameterValues, services: HostServices) throws -> ScorerInstance {
    ScorerInstance(try code.instance(of: about, parameters, services))
  }
}
