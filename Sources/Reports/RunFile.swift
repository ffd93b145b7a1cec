import Diagnostics
import JSON

/// The contents of `clues/run.json` (schema `clues/run/1`) that a report shows.
///
/// Durations are omitted, so that the same inputs give the same page.
struct RunFile {
  let version: String
  let recipe: JSONValue
  let bundles: [Input]
  let clients: [Client]
  let plugins: [Plugin]
  let scorers: [Scorer]
  /// How the scores of several scorers become one; nil of one, and in records from before that was told.
  let combination: String?
  let selection: Selection?
  let merge: Merge?
  let notes: [Note]

  struct Input {
    let name: String
    let path: String
    let sha256: String
  }

  struct Client {
    let name: String
    let sha256: String
    let weight: Double
    let checkpoint: Int?
    let ranks: [Int]
    let moduleCount: Int
    /// How its update stands beside the others'; nil in records from before that was told.
    let update: Update?
  }

  /// How a client's update stands beside those of the others and beside the result.
  struct Update {
    let norm: Double
    let cosineWithResult: Double?
    let cosineWithOthers: Double?
    /// The least and the largest coefficient of a linear method over the modules.
    let coefficients: ClosedRange<Double>?
    let standsOut: Bool
    /// What speaks against it; nil in records that do not tell.
    let suspicion: Suspicion?
  }

  /// What speaks against a client.
  struct Suspicion {
    /// The distance from the others in bounds; nil with fewer than three clients, and where it is infinite.
    let score: Double?
    let reasons: [String]
    let remarks: [String]
    let medianCosine: Double?
    /// The median of the others' cosines with the average of all, and with that without this client.
    let leavingOut: (with: Double?, without: Double?)?
  }

  struct Plugin {
    let library: String
    let version: String
    let sha256: String
  }

  struct Scorer {
    let id: String
    let name: String
    let version: String
    let parameters: JSONValue
    let weight: Double
    let side: String?
  }

  struct Note {
    let isWarning: Bool
    let text: String
  }

  struct Selection {
    let rule: String
    let parameters: JSONValue
    /// Whether each client's scores were put on the scale of its own anchors before the thresholds were set.
    let calibratesClients: Bool
    let anchors: Anchors
    let clients: [Share]
    /// How sure the threshold is; nil in records that do not tell.
    let bootstrap: Bootstrap?

    /// The one threshold for everybody, if there is one.
    var globalThreshold: Double? {
      let thresholds = Set(clients.map(\.threshold))
      return thresholds.count == 1 ? thresholds.first : nil
    }
  }

  /// The threshold on what it rests on, drawn anew.
  struct Bootstrap {
    let draws: Int
    let resamplings: [Resampling]
  }

  /// Draws of one kind.
  struct Resampling {
    let drawn: String
    let more: Int
    let threshold: ClosedRange<Double>?
    let deviations: ClosedRange<Double>?
    let unsure: Int
    let scored: Int
  }

  struct Anchors {
    let count: Int
    /// Nil without anchors.
    let mean: Double?
    let deviation: Double?
  }

  /// One client's part in the selection.
  struct Share {
    let client: String
    let threshold: Double
    let anchors: Anchors
    let anchorOffset: Double?
    /// How far its anchors move the threshold, in deviations of the other clients'; nil where that is not told.
    let thresholdShift: Double?
    let kept: Int
    let scored: Int
    let unscored: Int
    let keptShare: Double
    /// Of the dropped samples, how many fall short most in each respect; empty where that is not told.
    let shortOf: [(respect: String, count: Int)]
  }

  struct Merge {
    let method: String
    let space: String
    let dtype: String
    let discardedShare: Double
    let signConflict: Double
    /// The cosines between the clients' updates, in the order of the clients; nil for two that share no module.
    let cosines: [[Double?]]
    /// How many modules the cosines are taken over; nil in records from before that was told.
    let comparedModules: Int?
    /// How many modules at least two clients have; nil in records from before that was told.
    let sharedModules: Int?
    let modules: [Module]
  }

  struct Module {
    let name: String
    let clientCount: Int
    let inputRanks: [Int]
    let rank: Int
    let norm: Double
    let signConflict: Double
    let energy: Double
    let discardedEnergy: Double

    /// The share of the merged delta's energy that compression left out.
    var discardedShare: Double { energy > 0 ? discardedEnergy / energy : 0 }
  }
}

extension RunFile {
  /// - throws: ``Failure`` `badData` where it is not what `clues run` writes.
  init(_ run: JSONValue) throws {
    guard run.objectValue?["schema"] == "clues/run/1" else {
      throw Failure(.badData, "is no record of a run", advice: "`clues run` writes clues/run.json")
    }
    let field = Field(run, at: "run.json")
    version = try field["version"].text
    recipe = field["recipe"].value
    bundles = try field["bundles"].list.map { bundle in
      Input(name: try bundle["name"].text, path: try bundle["path"].text, sha256: try bundle["sha256"].text)
    }
    clients = try field["clients"].list.map { try Client($0) }
    plugins = try field["plugins"].list.map { plugin in
      Plugin(
        library: try plugin["library"].text, version: try plugin["version"].text, sha256: try plugin["sha256"].text)
    }
    combination = try field["combine"].present?.text
    scorers = try field["scorers"].list.map { scorer in
      let id = try scorer["scorer"].text
      return Scorer(
        id: id, name: try scorer["name"].present?.text ?? id, version: try scorer["version"].text,
        parameters: scorer["parameters"].value,
        weight: try scorer["weight"].number, side: try scorer["side"].present?.text)
    }
    selection = try field["selection"].present.map { try Selection($0) }
    let count = clients.count
    merge = try field["merge"].present.map { try Merge($0, clientCount: count) }
    notes = try field["notes"].list.map { note in
      Note(isWarning: try note["severity"].text == "warning", text: try note["text"].text)
    }
  }
}

extension RunFile.Client {
  fileprivate init(_ field: Field) throws {
    name = try field["name"].text
    sha256 = try field["sha256"].text
    weight = try field["weight"].number
    checkpoint = try field["checkpoint"].present?.whole
    ranks = [try field["rank"]["smallest"].whole, try field["rank"]["largest"].whole]
    moduleCount = try field["modules"].whole
    update = try field["norm"].present.map { norm in
      RunFile.Update(
        norm: try norm.number, cosineWithResult: try field["cosine_with_result"].present?.number,
        cosineWithOthers: try field["cosine_with_others"].present?.number,
        coefficients: try field["coefficient"].present.map { try $0["smallest"].range(to: $0["largest"]) },
        standsOut: try !(field["stands_out"].present?.list.isEmpty ?? true),
        suspicion: try field["suspicion"].present.map { try RunFile.Suspicion($0) })
    }
  }
}

extension RunFile.Suspicion {
  fileprivate init(_ field: Field) throws {
    score = try field["score"].present?.number
    reasons = try field["reasons"].list.map { try $0.text }
    remarks = try field["remarks"].list.map { try $0.text }
    medianCosine = try field["median_cosine"].present?.number
    leavingOut = try field["leaving_out"].present.map {
      (try $0["with"].present?.number, try $0["without"].present?.number)
    }
  }
}

extension RunFile.Selection {
  fileprivate init(_ field: Field) throws {
    rule = try field["rule"].text
    parameters = field["parameters"].value
    calibratesClients = try field["calibrate"].text == "client"
    anchors = try RunFile.Anchors(field["anchors"])
    bootstrap = try field["bootstrap"].present.map { bootstrap in
      RunFile.Bootstrap(
        draws: try bootstrap["draws"].whole, resamplings: try bootstrap["resamplings"].list.map { try .init($0) })
    }
    clients = try field["clients"].list.map { client in
      RunFile.Share(
        client: try client["client"].text, threshold: try client["threshold"].extendedNumber,
        anchors: try RunFile.Anchors(client["anchors"]), anchorOffset: try client["anchor_offset"].present?.number,
        thresholdShift: try client["influence"].present?["deviations"].present?.number,
        kept: try client["kept"].whole, scored: try client["scored"].whole, unscored: try client["unscored"].whole,
        keptShare: try client["kept_share"].number,
        shortOf: try client["short_of"].present?.members.map {
          ($0.key, try $0.field.whole)
        } ?? [])
    }
  }
}

extension RunFile.Resampling {
  fileprivate init(_ field: Field) throws {
    drawn = try field["drawn"].text
    more = try field["more"].whole
    threshold = try Self.range(field["threshold"])
    deviations = try Self.range(field["deviations"])
    unsure = try field["unsure"].whole
    scored = try field["of"].whole
  }

  /// Two ends; nil where there are none, or where one is infinite.
  private static func range(_ field: Field) throws -> ClosedRange<Double>? {
    guard let ends = try field.present?.list(of: 2), ends.allSatisfy({ $0.present != nil }) else { return nil }
    return try ends[0].range(to: ends[1])
  }
}

extension RunFile.Anchors {
  fileprivate init(_ field: Field) throws {
    count = try field["count"].whole
    mean = try field["mean"].present?.number
    deviation = try field["deviation"].present?.number
  }
}

extension RunFile.Merge {
  fileprivate init(_ field: Field, clientCount: Int) throws {
    method = try field["method"].text
    space = try field["space"].text
    dtype = try field["dtype"].text
    discardedShare = try field["discarded_share"].number
    signConflict = try field["sign_conflict"].number
    comparedModules = try field["compared_modules"].present?.whole
    cosines = try field["cosines"].list(of: clientCount).map {
      try $0.list(of: clientCount).map { try $0.present?.number }
    }
    sharedModules = try field["shared_modules"].present?.whole
    modules = try field["modules"].list.map { module in
      RunFile.Module(
        name: try module["module"].text, clientCount: try module["clients"].list.count,
        inputRanks: try module["input_ranks"].list.map { try $0.whole }, rank: try module["rank"].whole,
        norm: try module["norm"].number, signConflict: try module["sign_conflict"].number,
        energy: try module["energy"].number, discardedEnergy: try module["discarded_energy"].number)
    }
  }
}
