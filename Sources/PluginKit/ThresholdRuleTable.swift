/// The C table of a threshold rule.
func thresholdRuleTable(_ type: any ThresholdRule.Type) -> UnsafePointer<clues_threshold_rule> {
  var table = clues_threshold_rule()
  table.struct_size = CLUES_THRESHOLD_RULE_SIZE
  table.about = descriptor(of: type)
  table.create = { Backed<clues_threshold_rule>.create($0, $1, $2, $3) }
  table.destroy = { Instance.destroy($0) }
  table.decide = { pointer, count, clients, target in
    Instance.answer(pointer) { instance in
      guard let rule = instance.entry as? any ThresholdRule else { return }
      let clients = try (0..<Int(count)).map { try ClientScores(clients![$0]!.pointee, host: instance.host) }
      let thresholds = try rule.thresholds(clients)
      guard thresholds.count == Int(count) else {
        throw PluginError("gave \(thresholds.count) thresholds for \(count) clients", status: .internalError)
      }
      for (index, threshold) in thresholds.enumerated() { target![index] = threshold }
    }
  }
  return Backed.permanentTable(table, type)
}
