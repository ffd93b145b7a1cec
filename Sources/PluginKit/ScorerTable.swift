/// The C table of a ``Scorer`` or a ``ClientScorer``.
func scorerTable(_ type: any PluginEntry.Type) -> UnsafePointer<clues_scorer> {
  var table = clues_scorer()
  table.struct_size = CLUES_SCORER_SIZE
  table.about = descriptor(of: type)
  table.create = { Backed<clues_scorer>.create($0, $1, $2, $3) }
  table.destroy = { Instance.destroy($0) }
  table.needs = { pointer, alternative, needs in
    var status = CLUES_OK
    let answered = Instance.answer(pointer) { instance in
      let alternatives =
        (instance.entry as? any Scorer)?.needs ?? [Needs(.adapters)]
      guard alternative < alternatives.count else {
        status = CLUES_UNSUPPORTED
        return
      }
      needs?.pointee = instance.table(of: alternatives[Int(alternative)])
    }
    return answered == CLUES_OK ? status : answered
  }
  if type is any ClientScorer.Type {
    table.granularity = CLUES_SCORES_CLIENTS
    table.score_clients = { pointer, adapters, scores in
      Instance.answer(pointer) { instance in
        guard let scorer = instance.entry as? any ClientScorer else { return }
        try instance.fill(scores, with: scorer.scores(AdapterCollection(adapters!.pointee)))
      }
    }
    return Backed.permanentTable(table, type)
  }
  table.granularity = CLUES_SCORES_SAMPLES
  table.begin_checkpoint = { pointer, checkpoint in
    Instance.answer(pointer) { instance in
      let checkpoint = try Checkpoint(checkpoint!.pointee, host: instance.host)
      try instance.withScorer { try $0.begin(checkpoint) }
    }
  }
  table.begin_tensor = { pointer, tensor in
    Instance.answer(pointer) { instance in
      let tensor = GradientTensor(tensor!.pointee)
      instance.elementCount = tensor.elementCount
      try instance.withScorer { try $0.begin(tensor) }
    }
  }
  table.update = { pointer, rows in
    Instance.answer(pointer) { instance in
      let rows = GradientRows(rows!.pointee, elementCount: instance.elementCount)
      try instance.withScorer { try $0.update(rows) }
    }
  }
  table.end_tensor = { Instance.answer($0) { try $0.withScorer { try $0.endTensor() } } }
  table.end_checkpoint = { pointer, scores in
    Instance.answer(pointer) { instance in
      try instance.withScorer { try instance.fill(scores, with: $0.scores()) }
    }
  }
  table.finish = { pointer, count, checkpoints, scores in
    Instance.answer(pointer) { instance in
      let all = (0..<Int(count)).map { index in readScores(checkpoints![index]!.pointee) }
      try instance.withScorer { try instance.fill(scores, with: $0.combine(all)) }
    }
  }
  return Backed.permanentTable(table, type)
}

private func readScores(_ table: clues_scores) -> [Score] {
  (0..<Int(table.count)).map { index in
    table.reasons[index].map { .unscored(String(cString: $0)) } ?? .value(table.values[index])
  }
}

extension Instance {
  /// Passes the scorer to `body` for mutation.
  fileprivate func withScorer(_ body: (inout any Scorer) throws -> Void) throws {
    guard var scorer = entry as? any Scorer else { return }
    // With two references, the scorer's arrays would be copied whenever it changes them.
    entry = Lent()
    defer { entry = scorer }
    try body(&scorer)
  }

  /// The C form of some needs; its pointers are valid as long as the instance.
  fileprivate func table(of needs: Needs) -> clues_needs {
    var table = clues_needs()
    table.struct_size = CLUES_NEEDS_SIZE
    table.evidence = needs.evidence.rawValue
    table.passes = UInt32(needs.passes)
    table.checkpoints = needs.checkpoints.cValue
    table.column_count = UInt32(needs.columns.count)
    table.columns = list(needs.columns)
    return table
  }
}

/// A placeholder in an instance while its scorer is being mutated.
private struct Lent: PluginEntry {
  static let id = "lent"
  static let summary = ""
}
