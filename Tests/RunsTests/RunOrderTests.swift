import Diagnostics
import Foundation
import Recipes
import TestSupport
import Testing

@testable import Runs

/// What a run tells first, counts and reads.
@Suite struct RunOrderTests {
  private let catalog: Bench

  init() throws { catalog = try Bench(catalog: builtInCatalog(), threads: 2) }

  private func merge(_ inputs: [String], _ settings: (path: String, value: String)...) -> TestMerge {
    TestMerge(inputs: inputs.map { fixture("peft/adapters/\($0)") }, settings: settings)
  }

  @Test func `of several faults the one of the first module is told`() throws {
    let failure = try failure {
      try merge(["a", "r4"], ("merge.method", "average"), ("merge.space", "factors")).result()
    }
    #expect(failure.tensor == "model.layers.0.self_attn.q_proj")
    #expect(failure.message == "the space 'factors' needs equal ranks, but they are: a 8, r4 4")
  }

  @Test func `clients that a selection drops are not counted, and no module is blamed`() throws {
    let recipe = try merge(["a", "b", "c"], ("merge.method", "krum")).recipe
    let settings = try #require(RunSettings(recipe, in: catalog.catalog).merge)
    let clients = try catalog.open(recipe, scoring: false)
    let all = try clients.map { try $0.weightedAdapter(weight: 1) }
    try settings.checkCount(of: all, amongst: clients)
    let failure = try failure { try settings.checkCount(of: [all[0], all[2]], amongst: clients) }
    #expect(failure.kind == .badData && failure.tensor == nil)
    #expect(
      failure.message
        == "the method 'krum' merges at least 3 adapters, and 2 are left: the selection keeps no sample of 'b'")
  }

  @Test func `bundles are hashed only where somebody wants to know the digest`() throws {
    let recipe = try merge(["a", "b"], ("merge.method", "average")).recipe
    #expect(try catalog.open(recipe, scoring: false).allSatisfy { $0.sha256.count == 64 })
    #expect(try catalog.open(recipe, scoring: false, digesting: false).allSatisfy { $0.sha256.isEmpty })
  }
}
