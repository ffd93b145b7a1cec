import Diagnostics
import TestSupport
import Testing

/// Methods that see the whole adapter before they merge the first module.
@Suite struct OverviewTests {
  let inputs = ["a", "b", "c"].map { fixture("peft/adapters/\($0)") }

  @Test func `a trim over the whole adapter has one edge for all modules`() throws {
    let density = 0.3
    let adapters = try inputs.map { try deltasOf(readAdapter($0)) }
    let edges = adapters.map { adapter -> Double in
      let all = adapter.values.joined().map { Float($0).magnitude }.sorted(by: >)
      return Double(all[Int(density * Double(all.count)) - 1])
    }
    var expected: [String: [Double]] = [:]
    for name in adapters[0].keys {
      expected[name] = adapters[0][name]!.indices.map { index in
        let values = zip(adapters, edges).map { adapter, edge in
          let value = Double(Float(adapter[name]![index]))
          return abs(value) >= edge ? value : 0
        }
        let sign = values.reduce(0, +) < 0 ? -1.0 : 1
        let agreeing = values.filter { $0 * sign > 0 }
        return agreeing.reduce(0, +) / Double(max(1, agreeing.count))
      }
    }
    var merge = TestMerge(
      inputs: inputs,
      settings: [
        ("merge.method", "ties"), ("merge.parameters.preset", "paper"), ("merge.parameters.density", "\(density)"),
        ("merge.rank", "full"),
      ])
    #expect(try relativeError(merge.deltas(), expected) < 1e-5)
    merge.threads = 1
    let reference = try merge.result().bytes
    merge.threads = 5
    merge.inputs.reverse()
    #expect(try merge.result().bytes == reference)
  }

  @Test func `a trim over the whole adapter has one density`() throws {
    let merge = TestMerge(
      inputs: inputs,
      settings: [
        ("merge.method", "ties"), ("merge.parameters.scope", "adapter"), ("merge.parameters.density", "[0.1, 0.9]"),
      ])
    let failure = #expect(throws: Failure.self) { try merge.result() }
    #expect(failure?.kind == .badRecipe && failure?.message.contains("density") == true)
  }

  @Test func `krum takes one client for all modules`() throws {
    let merged = try TestMerge(inputs: inputs, settings: [("merge.method", "krum")]).deltas()
    let errors = try inputs.map { relativeError(merged, try deltasOf(readAdapter($0))) }
    #expect(errors.count { $0 < 1e-6 } == 1)
    // The one whose distance to its nearest neighbour is the least.
    let all = try inputs.map { try deltasOf(readAdapter($0)) }
    let distances = all.indices.map { i in
      all.indices.filter { $0 != i }.map { j in
        all[i].reduce(0) { $0 + zip($1.value, all[j][$1.key]!).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
      }.min()!
    }
    #expect(errors.firstIndex { $0 < 1e-6 } == distances.firstIndex(of: distances.min()!))
  }

  @Test func `a method of three merges no module of two`() throws {
    let merge = TestMerge(
      inputs: inputs + [fixture("peft/adapters/konly")],
      settings: [("merge.method", "krum"), ("merge.missing", "renormalize")])
    expectFailure(.badData, "the number of clients with this module is 1") { try merge.result() }
  }
}
