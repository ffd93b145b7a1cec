import JSON

extension SampleSelection {
  /// What the user should know about a selection.
  public var notes: [Note] {
    var notes: [Note] = []
    for client in clients {
      if client.kept == 0 {
        notes.append(.warning("nothing of client '\(client.client)' is kept, so it drops out"))
      } else if client.keptShare < 0.1 {
        notes.append(.warning("only \(percent(client.keptShare)) of client '\(client.client)' is kept"))
      }
      if client.unscored > 0 {
        notes.append(
          .warning(
            "\(client.unscored) samples of client '\(client.client)' are unscored and not kept; scores.jsonl says why"))
      }
    }
    for client in strangers {
      notes.append(
        .warning("the anchors or the validation data of '\(client)' are not those that the threshold was decided with"))
    }
    if anchors.count < 10 { notes.append(.info("there are only \(anchors.count) anchors; the threshold is uncertain")) }
    return notes
  }

  /// Anchors, thresholds and kept shares, in lines of at most 80 columns.
  public var text: String {
    var table = Table(["client", "kept", "of", "share", "threshold", "anchors", "mean", "offset"])
    for client in clients {
      table.add(
        client.client, "\(client.kept)", "\(client.total)", percent(client.keptShare), short(client.threshold),
        "\(client.anchors.count)", short(client.anchors.mean), short(client.anchorOffset))
    }
    let rule = "\(rule) \(parameters.text())" + (calibratesClients ? ", scores calibrated by client" : "")
    let global = globalThreshold.map { "one threshold for all: \(short($0))" } ?? "thresholds differ by client"
    return """
      \(table.text)

      \(global) (\(rule))
      anchors: \(anchors.count), mean \(short(anchors.mean)), deviation \(short(anchors.deviation)), \
      standard error \(short(anchors.standardError))
      """
  }

  /// The selection for run.json.
  public var json: JSONValue {
    .object([
      "rule": .string(rule), "parameters": parameters, "calibrate": calibratesClients ? "client" : "none",
      "anchors": anchors.json,
      "clients": .array(
        clients.map { client in
          [
            "client": .string(client.client),
            "threshold": client.threshold.isFinite ? .number(client.threshold) : .string("\(client.threshold)"),
            "anchors": client.anchors.json, "anchor_offset": number(client.anchorOffset),
            "kept": JSONValue(client.kept), "scored": JSONValue(client.scored), "unscored": JSONValue(client.unscored),
            "kept_share": .number(client.keptShare),
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
