import Diagnostics

/// An instance of a threshold rule in a worker.
final class RemoteThresholdRule: ThresholdRuleInstance {
  private let lease: WorkerLease

  init(_ lease: WorkerLease) { self.lease = lease }

  func thresholds(for clients: [ThresholdRulePlugin.ClientScores]) throws -> [Double] {
    var payload = WireWriter()
    payload.add(clients)
    let thresholds = try lease.unpack(.thresholds, payload, room: 64 + 8 * clients.count) { try $0.doubles() }
    guard thresholds.count == clients.count else {
      throw Failure(
        .pluginFailed, "the worker of plugin '\(lease.plugin)' returned thresholds for other clients than requested")
    }
    return thresholds
  }
}
