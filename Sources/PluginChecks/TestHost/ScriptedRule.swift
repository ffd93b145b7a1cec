import CluesPluginABI

extension Entry {
  /// create → decide for three clients → destroy.
  func performRule(_ table: UnsafePointer<clues_threshold_rule>, _ script: CallScript, _ testHost: TestHost) {
    withInstance(script.parameters, testHost) { instance in
      let clients = (0..<script.inputCount).map { client -> UnsafePointer<clues_client_scores>? in
        var draw = Draw(seed: script.seed, "scores \(client)")
        var item = clues_client_scores()
        item.struct_size = CLUES_CLIENT_SCORES_SIZE
        item.client = testHost.lend(script.client(client), until: .call)
        item.count = UInt64(script.rows)
        // Hosts pass only existing scores, so they are finite.
        let values = (0..<script.rows).map { _ in
          let value = Double(script.values.next(&draw))
          return value.isFinite ? value : 1e300
        }
        item.values = UnsafePointer(testHost.lend("the scores", values, until: .call))
        let splits = (0..<script.rows).map { script.split ?? ($0 % 3 == 2 ? CLUES_SPLIT_ANCHOR : CLUES_SPLIT_TRAIN) }
        item.splits = UnsafePointer(testHost.lend("the splits", splits.map(\.rawValue), until: .call))
        return testHost.lend("a client's scores", item, until: .call)
      }
      let count = clients.count
      let list = testHost.lend("the list of clients", clients, until: .call)
      let target = testHost.room("the thresholds", count * 8, alignment: 8, .output, .call, fill: script.outputFill)
        .assumingMemoryBound(to: Double.self)
      testHost.call(
        "decide", "\(count) clients with \(script.rows) scores each",
        read: { .init(numbers: (0..<count).map { target[$0] }) }
      ) { table.pointee.decide(instance, UInt32(count), list, target) }
    }
  }
}
