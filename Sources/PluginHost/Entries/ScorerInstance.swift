import CluesPluginABI
import Diagnostics

/// An instance of a scorer, for one client; used by one thread at a time.
public final class ScorerInstance {
  private let site: any InstanceSite
  private var sampleCount = 0
  private var elementCount = 0

  init(_ site: any InstanceSite) { self.site = site }

  /// The ways to compute its scores, the best first.
  public func needs() throws -> [ScorerNeeds] {
    var ways: [ScorerNeeds] = []
    while true {
      var needs = clues_needs()
      let columns = try withUnsafeMutableBytes(of: &needs) { bytes in
        try site.call(.needs, CallAnswer(memory: bytes, textRoom: 1 << 20), until: .call) { _ in
          CallArguments(number: ways.count)
        }
      }
      guard needs.struct_size > 0 else { return ways }
      guard ways.count < 64 else { throw site.failure("lists more than 64 ways to compute its scores") }
      ways.append(try read(needs, columns))
    }
  }

  private func read(_ needs: clues_needs, _ columns: [Int: String]) throws -> ScorerNeeds {
    guard [CLUES_CHECKPOINTS_ALL, CLUES_CHECKPOINTS_LAST].contains(needs.checkpoints) else {
      throw site.failure("wants a choice of checkpoints that this host does not know")
    }
    guard needs.hasColumns else { throw site.failure("claims \(needs.column_count) columns that do not exist") }
    return ScorerNeeds(
      needs,
      columns: try (0..<Int(needs.column_count)).map { place in
        guard let name = columns[place] else { throw site.failure("does not name its column \(place)") }
        return name
      })
  }

  public func begin(_ checkpoint: ScoringCheckpoint) throws {
    site.subject.client = checkpoint.client
    sampleCount = checkpoint.ids.count
    try site.call(.beginCheckpoint, until: .checkpoint) { CallArguments(table: checkpoint.lent(in: $0)) }
  }

  public func begin(_ tensor: ScoringTensor) throws {
    site.subject.tensor = tensor.name
    elementCount = tensor.elementCount
    try site.call(.beginTensor, until: .tensor) { CallArguments(table: tensor.lent(in: $0)) }
  }

  /// Shows the gradients of some samples: `rowCount` × the tensor's element count.
  public func update(pass: Int, firstSample: Int, rowCount: Int, values: UnsafePointer<Float>) throws {
    let rows = ScoringRows(
      pass: pass, firstSample: firstSample, count: rowCount, elementCount: elementCount, values: values)
    try site.call(.update) { CallArguments(table: rows.lent(in: $0)) }
  }

  public func endTensor() throws {
    try site.call(.endTensor)
    site.subject.tensor = nil
  }

  /// The scores at the checkpoint that was started last.
  public func endCheckpoint() throws -> [Score] { try scores(sampleCount, by: .endCheckpoint) }

  /// The scores over all checkpoints.
  public func finish(_ checkpoints: [[Score]]) throws -> [Score] {
    try scores(checkpoints.first?.count ?? 0, by: .finish) { memory in
      let list = memory.list("the list of checkpoints", checkpoints.map { $0.lent(in: memory) })
      return CallArguments(table: list, number: checkpoints.count)
    }
  }

  /// The scores of clients.
  public func score(_ collection: ScoringCollection) throws -> [Score] {
    try scores(collection.clients.count, by: .scoreClients) { CallArguments(table: collection.lent(in: $0)) }
  }

  private func scores(
    _ count: Int, by call: PluginCall, _ arguments: (any ContractMemory) throws -> CallArguments = { _ in .init() }
  ) throws -> [Score] {
    var values = [Double](repeating: Unwritten.double, count: count)
    let reasons = try values.withUnsafeMutableBytes { bytes in
      // Room for a reason of several lines with every sample.
      try site.call(call, CallAnswer(memory: bytes, textRoom: 1 << 16 + count * 1024), until: .call, arguments)
    }
    return try values.enumerated().map { sample, value in
      if let reason = reasons[sample] { return .unscored(reason) }
      // A value that is not a number is a fact about the sample; a missing value is a fault.
      guard !Unwritten.isLeft(value) else {
        throw Failure.breach(
          by: site.plugin, "gave neither a score nor a reason for number \(sample + 1) of \(count)",
          client: site.subject.client)
      }
      return value.isFinite ? .value(value) : .unscored("the scorer gave \(value)")
    }
  }
}

extension ScorerNeeds {
  /// - parameter columns: The names of the columns, wherever they were read.
  package init(_ needs: clues_needs, columns: [String]) {
    evidence = Evidence(rawValue: needs.evidence)
    self.columns = columns
    passes = Int(needs.passes)
    lastCheckpointOnly = needs.checkpoints == CLUES_CHECKPOINTS_LAST
  }
}

extension clues_needs {
  /// Whether its list of columns exists, and is not too long to read.
  package var hasColumns: Bool { column_count <= 4096 && (column_count == 0 || columns != nil) }
}
