import Foundation
import JSON
import Reports
import TestSupport
import Testing

@testable import Merging
@testable import Runs
@testable import clues

/// Norms and cosines of clients against dense matrices in float64.
@Suite struct ClientFiguresTests {
  private typealias Deltas = [String: [Double]]

  private func dot(_ x: Deltas, _ y: Deltas, in modules: some Sequence<String>) -> Double {
    modules.reduce(0) { sum, name in
      guard let a = x[name], let b = y[name] else { return sum }
      return sum + zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  private func cosine(_ x: Deltas, _ y: Deltas, in modules: [String]) -> Double {
    dot(x, y, in: modules) / (dot(x, x, in: modules) * dot(y, y, in: modules)).squareRoot()
  }

  /// The mean of others at length 1, over some modules.
  private func meanDirection(_ others: [Deltas], in modules: [String]) -> Deltas {
    var mean: Deltas = [:]
    for other in others {
      let norm = dot(other, other, in: modules).squareRoot()
      for name in modules {
        guard norm > 0, let delta = other[name] else { continue }
        mean[name] = zip(mean[name] ?? delta.map { _ in 0 }, delta).map { $0 + $1 / norm }
      }
    }
    return mean
  }

  private static let everywhere = ["layers.0.q_proj", "layers.1.q_proj", "layers.2.q_proj"]
  private static let clients = [
    MadeClient(name: "a", seed: 1), MadeClient(name: "b", seed: 2, alpha: 16),
    MadeClient(name: "c", seed: 3, modules: Array(everywhere.dropLast()) + ["layers.3.q_proj"], rank: 4),
    MadeClient(name: "noise", seed: 4, isStranger: true, scale: 5),
  ]

  @Test(
    arguments: [
      ("average", "stack", []), ("average", "stack", [("merge.rank", "4")]), ("average", "factors", []),
      ("ties", "delta", []), ("ties", "core", [("merge.rank", "3")]), ("karcher", "stack", []),
    ] as [(String, String, [(path: String, value: String)])])
  func `figures are those of the dense updates`(
    _ method: String, _ space: String, _ more: [(path: String, value: String)]
  ) throws {
    try withTemporaryFolder { folder in
      let paths = try write(Self.clients, below: folder)
      let run = try TestMerge(
        inputs: paths,
        settings: [("merge.method", method), ("merge.space", space), ("output.dtype", "float32")] + more
      ).result()
      let merge = try #require(run.record.merge)
      let deltas = try paths.map { try deltasOf(readAdapter($0)) }
      let result = try deltasOf(run.adapter)
      let shared = Self.everywhere
      #expect(merge.clients == ["a", "b", "c", "noise"])
      // Module 3 is c's alone.
      #expect(merge.sharedModules == 3 && merge.comparedModules == 3)
      for (index, figures) in merge.figures.enumerated() {
        let mine = deltas[index]
        let norm = dot(mine, mine, in: mine.keys).squareRoot()
        #expect(abs(figures.norm - norm) < 1e-5 * norm)
        let withResult = cosine(mine, result, in: Array(mine.keys))
        #expect(abs(try #require(figures.cosineWithResult) - withResult) < 1e-4)
        let own = shared.filter { mine[$0] != nil }
        let others = meanDirection(deltas.enumerated().filter { $0.offset != index }.map(\.element), in: own)
        #expect(abs(try #require(figures.cosineWithOthers) - cosine(mine, others, in: own)) < 1e-5)
        for other in deltas.indices where other != index {
          let both = own.filter { deltas[other][$0] != nil }
          let found = try #require(merge.cosines[index * 4 + other])
          #expect(abs(found - cosine(mine, deltas[other], in: both)) < 1e-5)
        }
      }
      let conflicts = shared.map { name in
        let present = deltas.compactMap { $0[name] }
        let count = present[0].indices.count { entry in
          present.contains { $0[entry] > 0 } && present.contains { $0[entry] < 0 }
        }
        return Double(count) / Double(present[0].count)
      }
      #expect(abs(merge.signConflict - conflicts.reduce(0, +) / 3) < 1e-9)
      #expect(merge.modulesOfPairs == 2...3)
      let summary = run.record.summary()
      #expect(summary.replacing(/\s+/, with: " ").contains("over 2 to 3 of 3 shared modules"), "\(summary)")
    }
  }

  @Test func `clients that share no module are not compared`() throws {
    try withTemporaryFolder { folder in
      let paths = try write(
        [
          MadeClient(name: "a", seed: 1, modules: ["layers.0.q_proj"]),
          MadeClient(name: "b", seed: 2, modules: ["layers.1.q_proj"]),
          MadeClient(name: "c", seed: 2, modules: ["layers.0.q_proj"]),
        ], below: folder)
      let record = try TestMerge(inputs: paths, settings: [("merge.method", "average")]).result().record
      let merge = try #require(record.merge)
      #expect(merge.cosines[1] == nil && merge.cosines[2] != nil && merge.cosines[5] == nil)
      #expect(merge.figures[1].cosineWithOthers == nil && merge.figures[1].norm > 0)
      #expect(merge.sharedModules == 1)
      let json = try #require(record.json.objectValue?["merge"]?.objectValue)
      #expect(json["shared_modules"] == 1 && json["cosines"]?.arrayValue?[0].arrayValue?[1] == .null)
      #expect(Report(record.record, scores: []).html.contains("the 1 modules that clients share"))
    }
  }

  @Test func `many clients are compared in some modules, and the record says in how many`() throws {
    try withTemporaryFolder { folder in
      let modules = (0..<8).map { "layers.\($0).q_proj" }
      let clients = (0..<8).map { index in
        // Every module lacks one client.
        MadeClient(name: "c\(index)", seed: UInt64(index + 1), modules: modules.filter { $0 != modules[index] })
      }
      let record = try TestMerge(
        inputs: write(clients, below: folder), settings: [("merge.method", "average")]
      ).result().record
      let merge = try #require(record.merge)
      // 8 · 16 / 8².
      #expect(merge.comparedModules == 2 && merge.sharedModules == 8)
      #expect(merge.figures.allSatisfy { $0.cosineWithOthers != nil && $0.cosineWithResult != nil })
      #expect(record.summary().contains("of 8 shared modules"), "\(record.summary())")
    }
  }

  @Test func `the record and the card tell of every client's update`() throws {
    try withTemporaryFolder { folder in
      let paths = try write(Self.clients, below: folder)
      let run = try TestMerge(
        inputs: paths, settings: [("merge.method", "average"), ("weights", "equal")]
      ).result()
      let clients = try #require(run.record.json.objectValue?["clients"]?.arrayValue).compactMap(\.objectValue)
      let figures = try #require(run.record.merge?.figures)
      #expect(clients.map { $0["norm"]?.doubleValue } == figures.map(\.norm))
      #expect(clients.map { $0["cosine_with_result"]?.doubleValue } == figures.map(\.cosineWithResult))
      #expect(clients.map { $0["cosine_with_others"]?.doubleValue } == figures.map(\.cosineWithOthers))
      #expect(clients.map { $0["coefficient"] } == clients.map { _ in ["smallest": 0.25, "largest": 0.25] })
      #expect(clients.map { $0["stands_out"] } == [[], [], [], ["long", "direction"]])
    }
  }
}
