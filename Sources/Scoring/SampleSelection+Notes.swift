import Diagnostics
import JSON

extension SampleSelection {
  /// Notes to read before sending the threshold to others.
  package var originNote: Note? {
    guard table.scorers.isEmpty else { return nil }
    return .warning(
      "the origin of the scores is unknown (they have no .origin.json file), so nobody can apply "
        + "threshold.json with --with")
  }

  /// Notes on a selection.
  package var notes: [Note] {
    var notes = remarks
    for client in clients {
      if client.total == 0 {
        // Only anchors were handed in: there is nothing to keep.
      } else if client.kept == 0 {
        notes.append(.warning("no samples of client '\(client.client)' are kept, so it drops out"))
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
            "\(client.unscoredAnchors) anchors of client '\(client.client)' are unscored, so no threshold uses "
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
    for client in mismatchedClients {
      notes.append(
        .warning("the threshold was decided with other anchors or validation data of '\(client)'"))
    }
    if let note = bootstrap?.note { notes.append(note) }
    if anchors.count < 10, bootstrap?.note == nil {
      notes.append(.info("there are only \(anchors.count) anchors; the threshold is uncertain"))
    }
    return notes
  }

  /// A note on a client whose anchors decide for the others.
  private func influenceNote(of client: ClientSelection) -> Note? {
    guard let influence = client.influence else { return nil }
    if influence.isAlone {
      return .warning(
        "only the anchors of client '\(client.client)' set the threshold of all clients: without them there is none")
    }
    guard influence.isFar else { return nil }
    let moved = influence.deviations.map { "move the threshold by \(deviations($0)) of the other clients' anchors" }
    let decided = "change the decision on \(influence.decisions) of the other clients' \(influence.others) samples"
    let stretched = influence.isStretched ? influence.stretch : nil
    let scaled = stretched.map { stretch in
      ", and \(stretch.factor > 1 ? "stretch" : "shrink") the scale of \(stretch.scorer) \(short(stretch.size)) times, so it "
        + "counts that much \(stretch.factor > 1 ? "less" : "more") in the total"
    }
    return .warning(
      "the anchors of client '\(client.client)' \(moved.map { "\($0) and " } ?? "")\(decided)\(scaled ?? ""); check its "
        + "anchors, or calibrate the clients (select.calibrate: client)")
  }

  private func deviations(_ number: Double) -> String {
    "\(number < 0 ? "−" : "+")\(short(abs(number), beside: 1)) deviations"
  }

  /// The scorer by which each client's dropped samples fall short most; nil if scores are not combined by shortfall, or
  /// nothing was dropped.
  package func shortfallText(_ page: PageLayout = PageLayout()) -> String? {
    guard clients.contains(where: { $0.shortOf.contains { $0.count > 0 } }) else { return nil }
    var facts = Facts()
    for client in clients {
      // Equal counts are in the order of the scorers.
      let most = client.shortOf.enumerated().filter { $0.element.count > 0 }.sorted {
        ($1.element.count, $0.offset) < ($0.element.count, $1.offset)
      }
      facts.add(
        client.client,
        most.isEmpty ? "nothing" : most.map { "\($0.element.respect) \($0.element.count)" }.joined(separator: ", "))
    }
    return "What dropped samples fall short of most:\n" + facts.text(columns: page.columns)
  }
}
