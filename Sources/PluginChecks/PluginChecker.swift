import Diagnostics
import Files
import Foundation
import PluginHost
import SystemPackage
import Threads

/// Checks a plugin's library against the contract, each check in its own process without access to anything.
///
/// The checks find faults, not malice: a library that detects that it is being checked can behave.
public struct PluginChecker: Sendable {
  private let path: String
  private let settings: Settings

  public struct Settings: Sendable {
    /// The program that makes a check, and its limits; the time limit applies to one entry.
    public var workers: WorkerSettings
    /// The seed of everything random.
    public var seed: UInt64
    /// The number of checks that run at a time.
    public var lanes: Int

    public init(
      seed: UInt64, workers: WorkerSettings = WorkerSettings(time: .seconds(30)),
      lanes: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
      (self.seed, self.workers, self.lanes) = (seed, workers, lanes)
    }
  }

  public init(path: String, settings: Settings) {
    (self.path, self.settings) = (path, settings)
  }

  /// Makes all checks, or those with these ids.
  ///
  /// - parameter advance: Called, from any thread, for every check that is done.
  /// - throws: ``Failure`` `missingInput` without a file, `usage` for an unknown id, `pluginFailed` if no process can be
  ///   sandboxed.
  public func report(
    only ids: [String] = [], advance: @escaping @Sendable (CheckResult) -> Void = { _ in }
  ) throws -> CheckReport {
    let known = Check.all.map(\.id)
    for id in ids where !known.contains(id) {
      throw Failure(
        .usage, "there is no check '\(id)'", advice: suggestion(for: id, among: known) + "; see --list")
    }
    let wanted = Check.all.filter { ids.isEmpty || ids.contains($0.id) }
    let name = FilePath(path).name
    let code = try SealedFile(UntrustedLibrary.read(path), name: name)
    // What cannot be loaded cannot be checked either.
    var (results, obstacle): ([CheckResult], String?) = ([], nil)
    for id in Check.foundations {
      let check = Check.all.first { $0.id == id }!
      let result =
        try obstacle.map { CheckResult(check: check, findings: [.skipped($0)]) } ?? result(of: check, code)
      if result.status.isBad { obstacle = obstacle ?? "the check '\(id)' failed, and nothing works without it" }
      results.append(result)
      if wanted.contains(where: { $0.id == id }) { advance(result) }
    }
    results += try others(wanted.filter { !Check.foundations.contains($0.id) }, code, obstacle, advance)
    let order = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
    // A foundation that fails is reported even if it was not requested.
    results = results.filter { result in result.status.isBad || wanted.contains { $0.id == result.check.id } }
    return CheckReport(
      path: path, seed: settings.seed, results: results.sorted { order[$0.check.id]! < order[$1.check.id]! })
  }

  private func result(of check: Check, _ code: SealedFile) throws -> CheckResult {
    CheckResult(
      check: check,
      findings: try CheckRun(check: check, code: code, path: path, settings: settings).findings())
  }

  /// Makes checks in several lanes.
  private func others(
    _ checks: [Check], _ code: SealedFile, _ obstacle: String?, _ advance: @escaping @Sendable (CheckResult) -> Void
  ) throws -> [CheckResult] {
    if let obstacle { return checks.map { CheckResult(check: $0, findings: [.skipped(obstacle)]) } }
    // Unchecked because the checks only read the file.
    nonisolated(unsafe) let code = code
    return try inParallel(checks.count, threads: settings.lanes) { index in
      let result = try result(of: checks[index], code)
      advance(result)
      return result
    }
  }
}
