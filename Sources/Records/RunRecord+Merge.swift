import Diagnostics
import JSON

extension RunRecord {
  /// How the adapters were merged, and the outcome for every module.
  package struct Merge: JSONRecord {
    package var (method, space, dtype) = ("", "", "")
    package var parameters = JSONValue.null
    /// What happened to tensors that replace the base model's; nil if there are none.
    package var replaced: Replaced?
    package var discardedShare = 0.0
    package var signConflict = 0.0
    /// The number of modules that at least two clients have; nil in records from before it was recorded.
    package var sharedModules: Int?
    /// The cosines between the clients' updates, in the order of the clients; nil for two that share no module.
    package var cosines: [[Double?]] = []
    /// The number of modules over which the cosines are taken; nil in records from before it was recorded.
    package var comparedModules: Int?
    package var rankLayout: Ranks?
    package var modules: [Module] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("method", \.method, .text), .key("space", \.space, .text), .key("dtype", \.dtype, .text),
      .optional("parameters", \.parameters, .any), .optional("replaced", \.replaced, .record),
      .key("discarded_share", \.discardedShare, .number), .key("sign_conflict", \.signConflict, .number),
      .optional("shared_modules", \.sharedModules, .whole),
      .key("cosines", \.cosines, .list(of: .list(of: .numberOrNull))),
      .optional("compared_modules", \.comparedModules, .whole), .optional("rank_layout", \.rankLayout, .record),
      .key("modules", \.modules, .list(of: .record)),
    ]

    func checkCosines(count: Int) throws {
      for (path, list) in [("", cosines.count)] + cosines.enumerated().map({ ("[\($0)]", $1.count) })
      where list != count {
        throw Failure(.badData, "run.json.merge.cosines\(path) has \(list) elements instead of \(count)")
      }
    }
  }

  package struct Replaced: JSONRecord {
    package var policy = ""
    package var tensors: [Kept] = []
    package var leftOut: [LeftOut] = []

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("policy", \.policy, .text), .key("tensors", \.tensors, .list(of: .record)),
      .key("left_out", \.leftOut, .list(of: .record)),
    ]

    /// A tensor of the result, and the clients that it comes from.
    package struct Kept: JSONRecord {
      package var tensor = ""
      package var clients: [String] = []

      package init() {}

      package static let fields: [JSONField<Self>] = [
        .key("tensor", \.tensor, .text), .key("clients", \.clients, .list(of: .text)),
      ]
    }

    /// The tensors of a client that are not in the result.
    package struct LeftOut: JSONRecord {
      package var client = ""
      package var tensors: [String] = []

      package init() {}

      package static let fields: [JSONField<Self>] = [
        .key("client", \.client, .text), .key("tensors", \.tensors, .list(of: .text)),
      ]
    }
  }

  /// The ranks of the written modules.
  package struct Ranks: JSONRecord {
    package var style = ""
    package var (rank, smallest, largest) = (0, 0, 0)
    package var costOfUniform = 0.0

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("style", \.style, .text), .key("rank", \.rank, .whole), .key("smallest", \.smallest, .whole),
      .key("largest", \.largest, .whole), .key("cost_of_uniform", \.costOfUniform, .number),
    ]
  }

  package struct Module: JSONRecord {
    package var name = ""
    package var clients: [String] = []
    package var inputRanks: [Int] = []
    package var coverage = 0.0
    package var inputNorms: [Double] = []
    package var cosines: [[Double?]]?
    package var signConflict = 0.0
    package var coefficients: [Double]?
    package var rank = 0
    package var norm = 0.0
    package var energy = 0.0
    package var discardedEnergy = 0.0

    package init() {}

    package static let fields: [JSONField<Self>] = [
      .key("module", \.name, .text), .key("clients", \.clients, .list(of: .text)),
      .key("input_ranks", \.inputRanks, .list(of: .whole)), .optional("coverage", \.coverage, .number),
      .optional("input_norms", \.inputNorms, .list(of: .number)),
      .optional("cosines", \.cosines, .list(of: .list(of: .numberOrNull))),
      .key("sign_conflict", \.signConflict, .number), .optional("coefficients", \.coefficients, .list(of: .number)),
      .key("rank", \.rank, .whole), .key("norm", \.norm, .number), .key("energy", \.energy, .number),
      .key("discarded_energy", \.discardedEnergy, .number),
    ]

    /// The share of the merged delta's energy that compression left out.
    package var discardedShare: Double { energy > 0 ? discardedEnergy / energy : 0 }
  }
}

/// The elements of a square matrix, row by row.
package func rows<Element>(of elements: [Element], count: Int) -> [[Element]] {
  (0..<count).map { Array(elements[$0 * count..<($0 + 1) * count]) }
}

extension RunRecord.Merge {
  /// The ranks of the modules: those that they need and, if A and B are filled up with zeros, those that are written.
  package var rankText: String {
    let needed = modules.map(\.rank)
    let uniform = rankLayout.flatMap { $0.style == "uniform" ? $0.largest : nil }
    return Records.rankText(needed: needed, written: needed.map { uniform ?? $0 })
  }

  /// The layout of the ranks, in a sentence; nil in records from before it was recorded.
  package var layoutText: String? {
    guard let layout = rankLayout else { return nil }
    if layout.style == "uniform" {
      let isFilled = modules.contains { $0.rank < layout.largest }
      return "uniform: every module has rank \(layout.largest)" + (isFilled ? ", filled up with zeros" : "")
    }
    return
      "exact: every module has the rank that it needs, from \(layout.smallest) to \(layout.largest); one rank for all "
      + "would add \(short(100 * layout.costOfUniform)) % parameters"
  }
}

/// The ranks that modules need, and those with which they are written if these are others.
package func rankText(needed: [Int], written: [Int]) -> String {
  span(needed) + (written == needed ? "" : " (\(span(written)) with zeros)")
}
