import Adapters
import Bundles
import Diagnostics
import Foundation
import LowRank
import Merging
import Recipes
import Runs
import Tensors

/// A merge as a user would ask for it, for tests.
package struct TestMerge {
  package var inputs: [String]
  package var settings: [(path: String, value: String)] = []
  package var threads = 2
  /// As ``Bench/room``.
  package var room = MergeRoom()

  package init(
    inputs: [String], settings: [(path: String, value: String)] = [], threads: Int = 2, room: MergeRoom = MergeRoom()
  ) {
    self.inputs = inputs
    self.settings = settings
    self.threads = threads
    self.room = room
  }

  package var recipe: Recipe {
    get throws {
      let clients = "[" + inputs.map { "{\"path\": \"\($0)\"}" }.joined(separator: ", ") + "]"
      return try Recipe.made(
        of: [Override(["clients"], clients, from: "the test")]
          + settings.map { setting in
            try Override(setting.path.split(separator: ".").map(String.init), setting.value, from: setting.path)
          })
    }
  }

  /// Runs the merge and reads its result as any other adapter.
  package func result() throws -> (adapter: Adapter, record: RunOutcome, bytes: Data) {
    try withTemporaryFolder { folder in
      let output = folder.appending(path: "run").path
      var bench = try Bench(catalog: builtInCatalog(), threads: threads)
      bench.room = room
      let record = try bench.run(recipe, output: output, replacing: false)
      let bytes = try Data(contentsOf: URL(filePath: output + "/adapter_model.safetensors"))
      return (try readAdapter(output), record, bytes)
    }
  }

  /// ΔW of every module of the result, in float64.
  package func deltas() throws -> [String: [Double]] { try deltasOf(result().adapter) }
}

/// The adapter in a PEFT folder.
package func readAdapter(_ path: String) throws -> Adapter {
  try Adapter(
    config: Bytes(mapping: path + "/adapter_config.json"), configFile: "config",
    weights: Bytes(Array(Data(contentsOf: URL(filePath: path + "/adapter_model.safetensors")))), weightsFile: "weights")
}

/// s·B·A of every module by three plain loops in float64: the oracle.
package func deltasOf(_ adapter: Adapter) throws -> [String: [Double]] {
  try adapter.modules.mapValues { module in
    let (a, b) = (try module.a.floats(), try module.b.floats())
    let (rows, rank, columns) = (module.outputs, module.rank, module.inputs)
    var delta = [Double](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      for inner in 0..<rank {
        let factor = module.scaling * Double(b[row * rank + inner])
        for column in 0..<columns { delta[row * columns + column] += factor * Double(a[inner * columns + column]) }
      }
    }
    return delta
  }
}

/// ‖x − y‖ / ‖y‖ over all modules; infinite when the modules differ.
package func relativeError(_ x: [String: [Double]], _ y: [String: [Double]]) -> Double {
  guard Set(x.keys) == Set(y.keys) else { return .infinity }
  var difference = 0.0
  var norm = 0.0
  for (name, expected) in y {
    guard let found = x[name], found.count == expected.count else { return .infinity }
    for (a, b) in zip(found, expected) {
      difference += (a - b) * (a - b)
      norm += b * b
    }
  }
  return (difference / norm).squareRoot()
}
