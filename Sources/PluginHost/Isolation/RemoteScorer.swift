import Diagnostics

/// An instance of a scorer in a worker.
final class RemoteScorer: ScorerInstance {
  private let lease: WorkerLease
  private var sampleCount = 0
  private var validationCounts: [Int] = []
  private var elementCount = 0

  init(_ lease: WorkerLease) { self.lease = lease }

  func needs() throws -> [ScorerNeeds] { try lease.unpack(.needs, WireWriter(), room: 1 << 20) { try $0.needs() } }

  func begin(_ checkpoint: ScoringCheckpoint) throws {
    lease.subject.client = checkpoint.client
    sampleCount = checkpoint.ids.count
    validationCounts = checkpoint.domains.indices.map {
      checkpoint.validationNorms.indices.contains($0) ? checkpoint.validationNorms[$0].count : 0
    }
    var payload = WireWriter()
    payload.add(checkpoint)
    try lease.call(.beginCheckpoint, payload)
  }

  func begin(_ tensor: ScoringTensor) throws {
    lease.subject.tensor = tensor.name
    elementCount = tensor.elementCount
    var payload = WireWriter()
    payload.add(tensor, validationCounts: validationCounts)
    try lease.call(.beginTensor, payload, isLasting: true)
  }

  func update(pass: Int, firstSample: Int, rowCount: Int, values: UnsafePointer<Float>) throws {
    var payload = WireWriter()
    for number in [pass, firstSample, rowCount] { payload.add(number) }
    payload.lend(values, count: rowCount * elementCount * MemoryLayout<Float>.size)
    try lease.call(.update, payload)
  }

  func endTensor() throws {
    try lease.call(.endTensor, WireWriter())
    lease.subject.tensor = nil
  }

  func endCheckpoint() throws -> [Score] { try collect(.endCheckpoint, WireWriter(), count: sampleCount) }

  func finish(_ checkpoints: [[Score]]) throws -> [Score] {
    var payload = WireWriter()
    payload.add(checkpoints) { $0.add($1) }
    return try collect(.finish, payload, count: checkpoints.first?.count ?? 0)
  }

  func score(_ collection: ScoringCollection) throws -> [Score] {
    var payload = WireWriter()
    payload.add(collection)
    return try collect(.scoreClients, payload, count: collection.clients.count)
  }

  private func collect(_ call: WorkerCall, _ payload: WireWriter, count: Int) throws -> [Score] {
    // Room for a reason of several lines with every sample.
    let scores = try lease.unpack(call, payload, room: 1 << 16 + count * 1024) { try $0.scores() }
    guard scores.count == count, scores.allSatisfy({ $0.value?.isFinite != false }) else {
      throw Failure(.pluginFailed, "the worker of plugin '\(lease.plugin)' returned impossible scores")
    }
    return scores
  }
}
