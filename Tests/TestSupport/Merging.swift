import Diagnostics
import JSON
import PluginHost
import Testing

extension MergeMethodPlugin {
  /// An instance with these parameters.
  public func instance(
    _ settings: [String: JSONValue] = [:], services: HostServices = .init()
  ) throws -> MergeMethodInstance {
    try makeInstance(ParameterValues(settings, schema: about.parameters, of: about.id), services: services)
  }

  /// The merge of these matrices, row-major.
  public func merge(
    _ matrices: [[Float]], rows: Int, columns: Int, weights: [Double]? = nil, space: Space = .delta,
    _ settings: [String: JSONValue] = [:]
  ) throws -> [Float] {
    let instance = try instance(settings)
    var output = [Float](repeating: .nan, count: rows * columns)
    let copies = matrices.map { matrix in
      let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: matrix.count)
      _ = copy.initialize(from: matrix)
      return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    let inputs = copies.enumerated().map { place, copy in
      MergeUnit.Input(
        client: "c\(place)", index: place, weight: weights?[place] ?? 1, stream: UInt64(place),
        values: copy.baseAddress.map { UnsafePointer($0) })
    }
    try instance.merge(
      MergeUnit(module: "m", space: space, rows: rows, columns: columns, inputs: inputs), into: &output)
    for (copy, matrix) in zip(copies, matrices) { #expect(copy.elementsEqual(matrix), "an input was changed") }
    return output
  }
}
