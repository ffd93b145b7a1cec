import Foundation
import PluginHost
import TestSupport
import Testing

@testable import PluginChecks

/// What ships with Clues keeps the contract.
@Suite struct BuiltInTests {
  static let libraries = (try? FileManager.default.contentsOfDirectory(atPath: PluginSearchPath.executableFolder))!
    .filter { $0.hasPrefix("libCluesPlugin") && $0.hasSuffix(".so") }.sorted()

  @Test func `there are libraries to check`() { #expect(Self.libraries.count >= 6) }

  @Test(arguments: libraries) func `passes every check`(_ library: String) throws {
    try withTemporaryFolder { folder in
      // The libraries that ship with Clues carry no manifest: they are loaded at once.
      let copy = folder.appending(path: library).path
      try FileManager.default.copyItem(atPath: PluginSearchPath.executableFolder + "/" + library, toPath: copy)
      try mark(copy)
      let settings = PluginChecker.Settings(seed: 11, workers: workerSettings(time: .seconds(120)), lanes: 2)
      let report = try PluginChecker(path: copy, settings: settings).report()
      #expect(report.isPassed, "\(report.text)")
      #expect(report.count(.success) >= 25, "\(report.text)")
    }
  }
}
