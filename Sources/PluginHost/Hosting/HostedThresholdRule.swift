import CluesPluginABI
import Diagnostics

/// An instance of a threshold rule in this process.
final class HostedThresholdRule: ThresholdRuleInstance {
  private let table: UnsafePointer<clues_threshold_rule>
  private let instance: HostedInstance

  init(
    _ table: UnsafePointer<clues_threshold_rule>, about: PluginDescription, parameters: ParameterValues,
    services: HostServices
  ) throws {
    self.table = table
    instance = try HostedInstance(
      of: about, parameters, services: services, create: { table.pointee.create(table, $0, $1, $2) },
      destroy: table.pointee.destroy)
  }

  func thresholds(for clients: [ThresholdRulePlugin.ClientScores]) throws -> [Double] {
    let (hostTable, pointer) = (instance.hostTable, instance.pointer)
    let arena = Arena()
    return try withExtendedLifetime(arena) {
      let inputs = clients.map { client -> UnsafePointer<clues_client_scores>? in
        var item = clues_client_scores()
        item.struct_size = CLUES_CLIENT_SCORES_SIZE
        item.client = arena.text(client.client)
        item.count = UInt64(client.values.count)
        item.values = arena.array(client.values)
        item.splits = arena.array(client.splits.map(\.rawValue))
        return arena.value(item)
      }
      let list = arena.array(inputs)
      var thresholds = [Double](repeating: Unwritten.double, count: clients.count)
      try hostTable.call { table.pointee.decide(pointer, UInt32(inputs.count), list, &thresholds) }
      if let index = thresholds.firstIndex(where: Unwritten.isLeft) {
        throw Failure(
          .pluginFailed, "plugin '\(hostTable.plugin)' gave no threshold for client '\(clients[index].client)'",
          advice: HostTable.silence)
      }
      return thresholds
    }
  }
}
