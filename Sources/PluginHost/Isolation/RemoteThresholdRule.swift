import Diagnostics

/// A threshold rule at work in a worker.
final class RemoteThresholdRule: ThresholdRuleInstance {
  private let lease: WorkerLease

  init(_ lease: WorkerLease) { self.lease = lease }

  func thresholds(for clients: [ThresholdRulePlugin.ClientScores]) throws -> [Double] {
    var payload = WireWriter()
    payload.add(clients)
    let thresholds = try lease.unpack(.thresholds, payload, room: 64 + 8 * clients.count) { try $0.doubles() }
    guard thresholds.count == clients.count else {
      throw Failure(
        .pluginFailed, "the worker of plugin '\(lease.plugin)' answers for other clients than it was asked about")
    }
    return thresholds
  }
}
