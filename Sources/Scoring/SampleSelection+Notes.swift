import Diagnostics
import JSON

extension SampleSelection {
  /// What to know before the threshold is sent to others.
  package var originNote: Note? {
    guard table.scorers.isEmpty else { return nil }
    return .warning(
      "the scores do not say how they came about (there is no .origin.json beside them), so that nobody can apply "
        + "threshold.json with --with")
  }

  /// What the user should know about a selection.
  package var notes: [Note] {
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
    for client in mismatchedClients {
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
  private func influenceNote(of client: ClientSelection) -> Note? {
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

  /// In which respect the dropped samples of each client fall short most; nil where scores are not combined by shortfall,
  /// or nothing was dropped.
  package func shortfallText(_ page: PageLayout = PageLayout()) -> String? {
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
}
