import JSON
import Records

extension SampleSelection {
  /// The selection as run.json has it.
  package var json: JSONValue { SelectionRecord(self).json }
}

extension SelectionRecord {
  package init(_ selection: SampleSelection) {
    self.init()
    (rule, parameters) = (selection.rule, selection.parameters)
    calibration = selection.calibratesClients ? .client : .none
    anchors = StatisticsRecord(selection.anchors)
    remarks = selection.remarks.map(\.text)
    bootstrap = selection.bootstrap.map { Bootstrap($0) }
    clients = selection.clients.map { Client($0) }
  }
}

extension SelectionRecord.Client {
  fileprivate init(_ selection: SampleSelection.ClientSelection) {
    self.init()
    (client, threshold, anchors) = (selection.client, selection.threshold, StatisticsRecord(selection.anchors))
    anchorOffset = selection.anchorOffset
    (kept, scored, unscored) = (selection.kept, selection.scored, selection.unscored)
    (keptShare, unscoredAnchors) = (selection.keptShare, selection.unscoredAnchors)
    shortOf = selection.shortOf.map { (key: $0.respect, value: $0.count) }
    influence = selection.influence.map { SelectionRecord.Influence($0) }
  }
}

extension SelectionRecord.Influence {
  fileprivate init(_ influence: AnchorInfluence) {
    self.init()
    (thresholdWithout, deviations) = (influence.threshold, influence.deviations)
    (decisions, others) = (influence.decisions, influence.others)
    stretch = influence.stretch.map { stretch in
      var record = SelectionRecord.Stretch()
      (record.scorer, record.factor) = (stretch.scorer, stretch.factor)
      return record
    }
  }
}

extension SelectionRecord.Bootstrap {
  fileprivate init(_ bootstrap: ThresholdBootstrap) {
    self.init()
    (draws, seed) = (bootstrap.draws, Int(clamping: bootstrap.seed))
    interval = [ThresholdBootstrap.intervalEnds.0, ThresholdBootstrap.intervalEnds.1]
    steadyShare = ThresholdBootstrap.steadyShare
    resamplings = bootstrap.resamplings.map { SelectionRecord.Resampling($0) }
  }
}

extension SelectionRecord.Resampling {
  fileprivate init(_ resampling: ThresholdBootstrap.Resampling) {
    self.init()
    (drawn, more, failed) = (resampling.unit.rawValue, resampling.more, resampling.failed)
    threshold = resampling.interval.map { .init($0) }
    deviations = resampling.deviations.map { .init($0) }
    (unsure, scored) = (resampling.unsure, resampling.scored)
    clients = resampling.clients.map { client in
      var record = Client()
      record.client = client.client
      record.threshold = client.interval.map { .init($0) }
      record.deviations = client.deviations.map { .init($0) }
      (record.unsure, record.scored) = (client.unsure, client.scored)
      return record
    }
  }
}

extension StatisticsRecord {
  package init(_ statistics: Statistics) {
    self.init()
    count = statistics.count
    (mean, deviation, standardError) = (statistics.mean, statistics.deviation, statistics.standardError)
  }
}
