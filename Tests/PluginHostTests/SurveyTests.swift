import Diagnostics
import PluginHost
import Testing

/// A merge method in C that must see the whole adapter first.
@Suite struct SurveyTests {
  /// Keeps matrices where they are while units point to them.
  final class Matrix {
    let values: UnsafeMutablePointer<Float>
    let count: Int

    init(_ values: [Float]) {
      self.values = .allocate(capacity: values.count)
      self.values.initialize(from: values, count: values.count)
      count = values.count
    }

    deinit { values.deallocate() }
  }

  func unit(_ module: String, _ matrices: [(index: Int, Matrix)]) -> MergeUnit {
    MergeUnit(
      module: module, space: .delta, rows: 1, columns: matrices[0].1.count,
      inputs: matrices.map {
        .init(client: "c\($0.index)", index: $0.index, weight: 1, stream: 0, values: UnsafePointer($0.1.values))
      })
  }

  @Test(arguments: [[0, 1], [1, 0]]) func everyPassSeesTheRecordsBefore(_ order: [Int]) throws {
    try withPlugin("survey") { library in
      let method = try #require(library.mergeMethods.first)
      #expect(method.surveyPasses == 2)
      let instances = try [method.instance(), method.instance()]
      let size = try instances.map { try $0.surveySize(clients: 3) }
      #expect(size == [24, 24])

      // The largest magnitudes are 4, 8 and 0.5. Client 1 lacks the second module.
      let matrices = [Matrix([1, -4]), Matrix([8, 2]), Matrix([0.5, 0]), Matrix([2, 1]), Matrix([-0.25, 0.5])]
      var units = [
        unit("a", [(0, matrices[0]), (1, matrices[1]), (2, matrices[2])]),
        unit("b", [(0, matrices[3]), (2, matrices[4])]),
      ]
      let survey = Survey(recordSize: 24, passes: 2)
      for place in units.indices { units[place].survey = survey }
      for pass in 0..<2 {
        let records = try order.map { place in
          let record = SurveyRecord(size: 24)
          try instances[place].survey(units[place], pass: pass, into: record)
          return record
        }
        try survey.withRecord(of: pass) { total in
          for record in records { try instances[0].combine(total, with: record, pass: pass) }
        }
      }
      var output: [Float] = [0, 0]
      try instances[0].merge(units[0], into: &output)
      #expect(output == [2.25, -0.75])
      try instances[1].merge(units[1], into: &output)
      #expect(output == [0, 1.25])
      withExtendedLifetime(matrices) {}
    }
  }
}
