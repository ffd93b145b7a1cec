import CluesPluginABI

extension Entry {
  /// create → decide for three clients → destroy.
  func performRule(_ table: UnsafePointer<clues_threshold_rule>, _ stage: Stage, _ lab: Lab) {
    withInstance(stage.parameters, lab) { instance in
      let clients = (0..<stage.inputCount).map { client -> UnsafePointer<clues_client_scores>? in
        var draw = Draw(seed: stage.seed, "scores \(client)")
        var item = clues_client_scores()
        item.struct_size = CLUES_CLIENT_SCORES_SIZE
        item.client = lab.lend(stage.client(client), until: .call)
        item.count = UInt64(stage.rows)
        // Hosts hand over scores that are there, so they are finite.
        let values = (0..<stage.rows).map { _ in
          let value = Double(stage.values.next(&draw))
          return value.isFinite ? value : 1e300
        }
        item.values = UnsafePointer(lab.lend("the scores", values, until: .call))
        let splits = (0..<stage.rows).map { stage.split ?? ($0 % 3 == 2 ? CLUES_SPLIT_ANCHOR : CLUES_SPLIT_TRAIN) }
        item.splits = UnsafePointer(lab.lend("the splits", splits.map(\.rawValue), until: .call))
        return lab.lend("a client's scores", item, until: .call)
      }
      let count = clients.count
      let list = lab.lend("the list of clients", clients, until: .call)
      let target = lab.room("the thresholds", count * 8, alignment: 8, .output, .call, fill: stage.outputFill)
        .assumingMemoryBound(to: Double.self)
      lab.call(
        "decide", "\(count) clients with \(stage.rows) scores each",
        read: { .init(numbers: (0..<count).map { target[$0] }) }
      ) { table.pointee.decide(instance, UInt32(count), list, target) }
    }
  }
}
