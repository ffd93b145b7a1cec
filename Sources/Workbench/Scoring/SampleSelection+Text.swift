import Diagnostics
import JSON

extension SampleSelection {
  /// What to know before the threshold is sent to others.
  public var originNote: Note? {
    guard table.scorers.isEmpty else { return nil }
    return .warning(
      "the scores do not say how they came about (there is no .origin.json beside them), so that nobody can apply "
        + "threshold.json with --with")
  }

  /// What the user should know about a selection.
  public var notes: [Note] {
    var notes = remarks
    for client in clients {
      if client.total == 0 {
        // Anchors alone were handed over: there is nothing to keep.
      } else if client.kept == 0 {
        notes.append(.warning("nothing of client '\(client.client)' is kept, so it drops out"))
      } else if client.keptShare < 0.1 {
        notes.append(.warning("only \(percent(client.keptShare)) of client '\(client.client)' is kept"))
      }
      if client.unscored > 0 {
        notes.append(
          .warning(
            "\(client.unscored) samples of client '\(client.client)' are unscored and not kept; scores.jsonl says why"))
      }
      if client.unscoredAnchors > 0 {
        notes.append(
          .warning(
            "\(client.unscoredAnchors) anchors of client '\(client.client)' are unscored, so that no threshold goes by "
              + "them; scores.jsonl says why"))
      }
      if !client.threshold.isFinite {
        notes.append(
          .warning(
            "the threshold of client '\(client.client)' is \(client.threshold), which keeps "
              + (client.threshold < 0 ? "every scored sample" : "nothing")))
      }
      if let note = influenceNote(of: client) { notes.append(note) }
    }
    for client in strangers {
      notes.append(
        .warning("the anchors or the validation data of '\(client)' are not those that the threshold was decided with"))
    }
    if let note = bootstrap?.note { notes.append(note) }
    if anchors.count < 10, bootstrap?.note == nil {
      notes.append(.info("there are only \(anchors.count) anchors; the threshold is uncertain"))
    }
    return notes
  }

  /// What to know of a client whose anchors decide for the others.
  private func influenceNote(of client: ClientShare) -> Note? {
    guard let influence = client.influence else { return nil }
    if influence.isAlone {
      return .warning(
        "the anchors of client '\(client.client)' alone set the threshold of all clients: without them there is none")
    }
    guard influence.isFar else { return nil }
    let moved = influence.deviations.map { "move the threshold by \(deviations($0)) of the other clients' anchors" }
    let decided = "decide \(influence.decisions) of the other clients' \(influence.others) samples otherwise"
    let stretched = influence.isStretched ? influence.stretch : nil
    let scaled = stretched.map { stretch in
      ", and \(stretch.factor > 1 ? "stretch" : "shrink") the scale of \(stretch.scorer) \(short(stretch.size)) times, so that it "
        + "counts for so much \(stretch.factor > 1 ? "less" : "more") in the total"
    }
    return .warning(
      "the anchors of client '\(client.client)' \(moved.map { "\($0) and " } ?? "")\(decided)\(scaled ?? ""); look at its "
        + "anchors, or calibrate the clients (select.calibrate: client)")
  }

  private func deviations(_ number: Double) -> String {
    "\(number < 0 ? "−" : "+")\(short(abs(number), beside: 1)) deviations"
  }

  /// What is kept of each client, and by which threshold.
  public func text(_ page: PageLayout = PageLayout()) -> String {
    let isGlobal = globalThreshold != nil
    // Only where the rule goes by anchors is there something to see.
    let showsInfluence = clients.contains { $0.influence.map { $0.deviations ?? 0 != 0 || $0.decisions > 0 } ?? false }
    let header =
      ["client", "samples", "kept", "share"] + (isGlobal ? [] : ["threshold"]) + ["anchors", "anchor offset"]
      + (showsInfluence ? ["moves threshold"] : [])
    var table = Table(header, numbers: 1..<header.count)
    for client in clients {
      let own = isGlobal ? [] : [shown(client.threshold)]
      table.add(
        [client.client, "\(client.total)", "\(client.kept)", percent(client.keptShare)] + own
          + ["\(client.anchors.count)", shown(client.anchorOffset)]
          + (showsInfluence ? [client.influence?.deviations.map { "\(short($0, beside: 1)) σ" } ?? "–"] : []))
    }
    var facts = Facts()
    describe(in: &facts)
    let parts = [
      table.text(page), shortfallText(page), facts.text(columns: page.columns), bootstrap?.text(page) { shown($0) },
    ]
    return (parts.compactMap { $0 } + [offsetRemark].compactMap { $0 }.map { wrapped($0, to: page.columns) })
      .joined(separator: "\n\n")
  }

  /// In which respect the dropped samples of each client fall short most; nil where scores are not combined by shortfall,
  /// or nothing was dropped.
  func shortfallText(_ page: PageLayout = PageLayout()) -> String? {
    guard clients.contains(where: { $0.shortOf.contains { $0.count > 0 } }) else { return nil }
    var facts = Facts()
    for client in clients {
      // Of equal counts, in the order of the scorers.
      let most = client.shortOf.enumerated().filter { $0.element.count > 0 }.sorted {
        ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
      }
      facts.add(
        client.client,
        most.isEmpty ? "nothing" : most.map { "\($0.element.respect) \($0.element.count)" }.joined(separator: ", "))
    }
    return "What dropped samples fall short of most:\n" + facts.text(columns: page.columns)
  }

  /// Threshold, rule and anchors.
  func describe(in facts: inout Facts) {
    facts.add("threshold", globalThreshold.map { "\(shown($0)) for all clients" } ?? "one for each client")
    facts.add("rule", "\(rule) \(parameters.text())" + (calibratesClients ? ", scores calibrated by client" : ""))
    facts.add(
      "anchors",
      "\(anchors.count), mean \(shown(anchors.mean)), deviation \(short(anchors.deviation)), "
        + "standard error \(short(anchors.standardError))")
  }

  /// How sure the threshold is.
  func describeCertainty(in facts: inout Facts) {
    if let sentence = bootstrap?.sentence(shown: { shown($0) }) { facts.add("certainty", sentence) }
  }

  /// What to think of where scores of clients lie on scales of their own.
  var offsetRemark: String? {
    guard !calibratesClients, let far = clients.max(by: { abs($0.anchorOffset) < abs($1.anchorOffset) }),
      abs(far.anchorOffset) > anchors.deviation, clients.count > 1
    else { return nil }
    return "The anchors of '\(far.client)' lie \(shown(far.anchorOffset)) from those of all, more than a deviation: "
      + "its scores may be on a scale of their own, which --calibrate (select.calibrate: client) evens out."
  }

  /// A score, with what is nothing but rounding beside the anchors' as 0.
  private func shown(_ score: Double) -> String {
    short(score, beside: max(anchors.deviation, abs(anchors.mean)))
  }

  /// The selection for run.json.
  public var json: JSONValue {
    .object([
      "rule": .string(rule), "parameters": parameters, "calibrate": calibratesClients ? "client" : "none",
      "anchors": anchors.json, "remarks": JSONValue(remarks.map(\.text)), "bootstrap": bootstrap?.json ?? .null,
      "clients": .array(
        clients.map { client in
          [
            "client": .string(client.client),
            "threshold": client.threshold.isFinite ? .number(client.threshold) : .string("\(client.threshold)"),
            "anchors": client.anchors.json, "anchor_offset": number(client.anchorOffset),
            "kept": JSONValue(client.kept), "scored": JSONValue(client.scored), "unscored": JSONValue(client.unscored),
            "kept_share": .number(client.keptShare), "unscored_anchors": JSONValue(client.unscoredAnchors),
            "short_of": .object(JSONObject(client.shortOf.map { ($0.respect, JSONValue($0.count)) })),
            "influence": client.influence?.json ?? .null,
          ]
        }),
    ])
  }
}

extension Statistics {
  var json: JSONValue {
    [
      "count": JSONValue(count), "mean": number(mean), "deviation": number(deviation),
      "standard_error": number(standardError),
    ]
  }
}

/// A number, or null where it is not finite.
func number(_ value: Double) -> JSONValue { value.isFinite ? .number(value) : .null }
