import PluginKit

/// How the samples' vectors align with the domains' mean validation gradients at one checkpoint, summed up from gradients or
/// read from a ledger.
struct Alignment {
  /// The vector of the inner products.
  enum Vector {
    /// The gradient itself.
    case gradient
    /// The gradient as the optimizer would use it.
    case preconditioned(Preconditioner, ledger: LedgerVector?)

    /// The columns of a ledger with the same values; nil if a ledger cannot have them.
    var columns: (norm: String, dot: String)? {
      switch self {
      case .gradient: (Column.gradientNorm, "dot")
      case .preconditioned(_, let ledger): ledger.map { ("\($0.rawValue)_norm", "\($0.rawValue)_dot") }
      }
    }

    fileprivate var preconditioner: Preconditioner? {
      if case .preconditioned(let preconditioner, _) = self { preconditioner } else { nil }
    }
  }

  /// The two preconditionings that ledgers contain: ε = 10⁻⁸ inside the root, β = (0.9, 0.999), uncorrected.
  enum LedgerVector: String {
    /// Without momentum.
    case adam
    /// With momentum.
    case reference
  }

  /// The validation norms in a ledger: the same in all rows of a checkpoint.
  static let targetNorms = "validation_norm"

  let checkpoint: Checkpoint
  let domains: [Int]
  private let columns: (norm: String, dot: String)?
  private var sums: SampleSums

  /// The alternatives, the ledger first: it gives the same values and is much faster to read.
  static func needs(_ vector: Vector, evidence: Evidence = [], norms: Bool, targetNorms: Bool) -> [Needs] {
    var needs: [Needs] = []
    if let columns = vector.columns {
      var names = [Column.tokens, Column.gradientNorm, Column.each(columns.dot)]
      if norms, !names.contains(columns.norm) { names.append(columns.norm) }
      if targetNorms { names.append(Column.each(Self.targetNorms)) }
      needs.append(Needs(evidence, columns: names))
    }
    var gradients = evidence.union([.gradients, .validationMeans])
    if vector.preconditioner != nil { gradients.insert(.moments) }
    needs.append(Needs(gradients, columns: [Column.tokens]))
    return needs
  }

  /// - parameters:
  ///   - domains: The domains that matter, as indices in the checkpoint's.
  ///   - norms: Whether ``norm(_:)`` will be called.
  init(_ vector: Vector, at checkpoint: Checkpoint, domains: [Int], from needs: Needs, norms: Bool) {
    self.checkpoint = checkpoint
    self.domains = domains
    columns = needs.evidence.contains(.gradients) ? nil : vector.columns
    sums = SampleSums(
      sampleCount: columns == nil ? checkpoint.sampleCount : 0, targetCount: domains.count, squares: norms,
      vector.preconditioner)
  }

  mutating func begin(_ tensor: GradientTensor) {
    sums.begin(tensor, targets: domains.map { Array(tensor.validationMean($0)) })
  }

  mutating func add(_ rows: GradientRows) { sums.add(rows) }

  /// ⟨vector, mean validation gradient⟩; `index` counts ``domains``.
  func product(_ sample: Int, _ index: Int) throws(Unscorable) -> Double {
    _ = try checkpoint.tokens(of: sample)
    guard let columns else { return try sums.product(sample, index) }
    guard try checkpoint.value(Column.gradientNorm, of: sample) > 0 else { throw Unscorable("its gradient is zero") }
    return try checkpoint.value("\(columns.dot).\(name(index))", of: sample)
  }

  /// ‖vector‖, above zero.
  func norm(_ sample: Int) throws(Unscorable) -> Double {
    let norm = if let columns { try checkpoint.value(columns.norm, of: sample) } else { try sums.norm(sample) }
    guard norm > 0 else { throw Unscorable("its preconditioned gradient is zero") }
    return norm
  }

  /// ‖mean validation gradient‖, above zero; a ledger repeats it in every row.
  func targetNorm(_ sample: Int, _ index: Int) throws(Unscorable) -> Double {
    let norm =
      if columns != nil {
        try checkpoint.value("\(Self.targetNorms).\(name(index))", of: sample)
      } else {
        sums.targetSquares[index].squareRoot()
      }
    guard norm.isFinite, norm > 0 else { throw Unscorable("the validation gradient of \(name(index)) is \(norm)") }
    return norm
  }

  private func name(_ index: Int) -> String { checkpoint.domains[domains[index]] }
}
