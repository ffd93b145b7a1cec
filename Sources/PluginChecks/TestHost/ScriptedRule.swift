import CluesPluginABI
import PluginHost

extension Entry {
  /// create → decide for three clients → destroy.
  func performRule(_ table: UnsafePointer<clues_threshold_rule>, _ script: CallScript, _ testHost: TestHost) {
    withInstance(script.parameters, testHost) { instance in
      let memory = testHost.lending(until: .call)
      let clients = (0..<script.inputCount).map { client in
        var draw = Draw(seed: script.seed, "scores \(client)")
        // Hosts pass only existing scores, so they are finite.
        let values = (0..<script.rows).map { _ in
          let value = Double(script.values.next(&draw))
          return value.isFinite ? value : 1e300
        }
        return ThresholdRulePlugin.ClientScores(client: script.client(client), values: values, splits: script.splits)
          .lent(in: memory)
      }
      for client in clients { script.spoil(client.pointee.splits) }
      let count = clients.count
      let list = memory.list("the list of clients", clients)
      let target = testHost.room("the thresholds", count * 8, alignment: 8, .output, .call, fill: script.outputFill)
        .assumingMemoryBound(to: Double.self)
      testHost.call(
        "decide", "\(count) clients with \(script.rows) scores each",
        read: { .init(numbers: (0..<count).map { target[$0] }) }
      ) { table.pointee.decide(instance, UInt32(count), list, target) }
    }
  }
}
