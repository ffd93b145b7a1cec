import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import PluginHost

/// Matrices that are merged by rows: what is read where, and that it comes out as the whole, here as in a worker.
@Suite struct RowsTests {
  private static let inputs: [[Float]] = [
    (0..<15).map { Float($0) - 4 }, (0..<15).map { Float($0 * $0) / 8 }, (0..<15).map { 3 - Float($0) / 2 },
  ]

  private func unit(rows: Int) -> MergeUnit {
    MergeUnit(
      module: "m", space: .delta, rows: rows, columns: 3,
      inputs: Self.inputs.indices.map { .init(client: "c\($0)", index: $0, weight: Double($0 + 1), stream: 0) })
  }

  private func notes(
    _ instance: MergeMethodInstance, reading read: @escaping (Int) -> MergeUnit.RowReader
  ) throws -> [UInt64] {
    #expect(try instance.noteSize() == 8)
    var notes = [UInt64](repeating: 0, count: 3)
    try notes.withUnsafeMutableBytes { notes in
      for place in 0..<3 {
        try instance.note(unit(rows: 5), input: place, reading: read(place), into: notes.baseAddress! + 8 * place)
      }
    }
    return notes
  }

  private func reader(_ place: Int) -> MergeUnit.RowReader {
    { lines, target in
      for (offset, entry) in Self.inputs[place][lines.lowerBound * 3..<lines.upperBound * 3].enumerated() {
        target[offset] = entry
      }
    }
  }

  @Test(arguments: [[], ["READS"]]) func `rows are those of the whole`(_ definitions: [String]) throws {
    try withPlugin("rows", definitions) { library in
      #expect(library.mergeMethods[0].mergesRows && !library.mergeMethods[0].surveysRows)
      let whole = try library.mergeMethods[0].merge(Self.inputs, rows: 5, columns: 3)
      let instance = try library.mergeMethods[0].instance()
      let notes = try notes(instance, reading: reader)
      for height in [1, 2, 5] {
        var merged = [Float](repeating: .nan, count: 15)
        for first in stride(from: 0, to: 5, by: height) {
          let lines = first..<min(first + height, 5)
          let bands = Self.inputs.map { Array($0[lines.lowerBound * 3..<lines.upperBound * 3]) }
          var unit = unit(rows: lines.count)
          for place in bands.indices {
            unit.inputs[place].weight = 1
            unit.inputs[place].values = bands[place].withUnsafeBufferPointer { source in
              let copy = UnsafeMutablePointer<Float>.allocate(capacity: source.count)
              copy.initialize(from: source.baseAddress!, count: source.count)
              return UnsafePointer(copy)
            }
          }
          defer { for input in unit.inputs { input.values?.deallocate() } }
          try merged.withUnsafeMutableBufferPointer {
            try instance.mergeRows(unit, from: first, notes: notes, into: $0.baseAddress! + first * 3)
          }
        }
        #expect(merged == whole, "\(height) rows at a time")
      }
    }
  }

  @Test(arguments: [[], ["READS"]])
  func `what is wrong with a client's rows is told as it is`(_ definitions: [String]) throws {
    try withPlugin("rows", definitions) { library in
      let instance = try library.mergeMethods[0].instance()
      let fault = Failure(.badData, "holds what nobody can read", client: "c1")
      let failure = try failure {
        _ = try notes(instance) { place in place == 1 ? { _, _ in throw fault } : reader(place) }
      }
      #expect(failure.message == fault.message && failure.kind == .badData && failure.client == "c1")
    }
  }

  @Test func `rows that are not there are not read`() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "rows.so").path
      try Compiler.clang.compilePlugin(fixture("plugins/rows.c"), to: path, ["READS", "BEYOND"])
      let library = try PluginLibraryFile(loading: path, as: path, digest: nil)
      let instance = try library.mergeMethods[0].instance()
      let failure = try failure { _ = try notes(instance, reading: reader) }
      #expect(failure.kind == .pluginFailed && failure.statement == "plugin 'sum': rows cannot be read")
    }
  }
}
