import Diagnostics
import JSON

/// A checked experiment: what `clues experiment` does, every value with its location.
package struct Experiment: Sendable {
  /// The file as the user named it.
  package internal(set) var file = ""

  /// Version of the format, 1.
  package var version = Located(1)
  /// The base model: a Hugging Face folder or a GGUF file.
  package var base = Located("")
  package var clients: [Located<Client>] = []
  package var training = Located(Training())
  package var corruption = Located(Corruption())
  /// What everything random follows from, one whole experiment each.
  package var seeds: [Located<Int>] = [Located(1)]
  package var arms: [Located<Arm>] = []
  package var merges: [Located<Merge>] = []
  /// Threshold rules that are compared on the scores of each arm.
  package var thresholds: [Located<Recipe.Selection>] = []
  package var measure = Located(Measure())
  package var output: Located<String>?

  package init() {}

  /// A path of this experiment as seen from the current folder.
  package func path(_ written: Located<String>) -> String {
    let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
    return written.value.hasPrefix("/") ? written.value : folder + written.value
  }

  /// A failure of kind `badRecipe` about the value that comes from `origin`, with file, line and column.
  package func failure(_ message: String, at origin: Origin, advice: String? = nil) -> Failure {
    RecipeLocation(file: file.isEmpty ? nil : file, origin: origin).failure(message, advice: advice)
  }

  /// Runs `body` and gives a failure that knows no place this one.
  package func locating<Result>(_ origin: Origin, _ body: () throws -> Result) throws -> Result {
    try RecipeLocation(file: file.isEmpty ? nil : file, origin: origin).locating(body)
  }

  /// The experiment with every default filled in; reads back as the same experiment.
  package var jsonValue: JSONValue { write() }
}

extension Experiment {
  /// A client's data.
  package struct Client: Sendable {
    package var name = Located("")
    package var train = Located("")
    package var anchor = Located("")
    package var validation = Located("")
    package var test = Located("")
    /// How many of the training samples there are; nil for all of the file.
    package var samples: Located<Int>?
    package var corruptionFactor = Located(1.0)

    package init() {}
  }

  /// Which samples are made bad, and how.
  package struct Corruption: Sendable {
    package var shares: [Located<Double>] = [Located(0.5)]
    /// All kinds where empty.
    package var kinds: [Located<BadKind>] = []

    package init() {}
  }

  /// What the adapters of an arm are trained on.
  package struct Arm: Sendable {
    package var name = Located("")
    package var keep: Located<Keep>?
    package var recipe: Located<String>?
    package var score: [Located<Recipe.Scorer>] = []
    package var combine: Located<Recipe.Combination>? = Located(Recipe.Combination.shortfall)
    package var select: Located<Recipe.Selection>?

    package init() {}
  }

  /// What is kept without a score.
  package enum Keep: String, Choice {
    case all
    case clean

    var meaning: String {
      switch self {
      case .all: "everything, bad samples included"
      case .clean: "the samples that were not made bad: what a selection could reach at best"
      }
    }
  }

  /// A way to merge the clients' adapters.
  package struct Merge: Sendable {
    package var name = Located("")
    package var weights = Located(Recipe.Weighting.equal)
    package var merge = Located(Recipe.Merge())

    package init() {}
  }

  /// How held-out samples are measured.
  package struct Measure: Sendable {
    package var draws = Located(2000)
    package var examples = Located(2)
    package var answerTokens = Located(48)

    package init() {}
  }
}

extension Experiment: ObjectSchema {
  static let title = "Clues experiment"
  static let document = "the experiment"

  static let fields: [FieldSchema<Self>] = [
    .key("clues", \.version, .formatVersion, "The version of this format: 1."),
    .key(
      "base", \.base, .path, isRequired: true,
      "The base model: a Hugging Face folder or a GGUF file, relative to the experiment's folder."),
    .key("clients", \.clients, .list(of: .object), isRequired: true, "The clients and their data, at least one."),
    .key("training", \.training, .object, "How adapters are trained, the first time and on what is kept."),
    .key("corruption", \.corruption, .object, "Which training samples are made bad, and how."),
    .key(
      "seeds", \.seeds, .list(of: .integer(atLeast: 0)),
      "What everything random follows from: with several, all is done once for each.", absent: "1"),
    .key("arms", \.arms, .list(of: .object), isRequired: true, "The ways to choose what is trained on, at least one."),
    .key("merges", \.merges, .list(of: .object), isRequired: true, "The ways to merge, at least one."),
    .key(
      "thresholds", \.thresholds, .list(of: .object),
      "Threshold rules that are compared on the scores of every arm that scores.", absent: "none"),
    .key("measure", \.measure, .object, "How models are measured on the clients' test data."),
    .key(
      "output", \.output, .path, "The folder for steps and results, relative to the experiment's folder.",
      absent: { _ in "runs/<experiment>, unless the command line says otherwise" }),
  ]

  static let rules = [
    Rule<Self> { experiment, _ in
      try unique(experiment.clients.map(\.value.name), "clients")
      try unique(experiment.arms.map(\.value.name), "arms")
      try unique(experiment.merges.map(\.value.name), "merges")
      try unique(experiment.thresholds.map { Located($0.value.summary, $0.origin) }, "thresholds")
      try unique(experiment.seeds.map { Located("\($0.value)", $0.origin) }, "seeds")
    }
  ]

  static let elsewhere: [String: String] = {
    var places = [
      "model": "base", "base_model": "base", "seed": "seeds", "merge": "merges", "arm": "arms",
      "threshold": "thresholds",
      "shares": "corruption.shares", "kinds": "corruption.kinds", "draws": "measure.draws",
    ]
    for field in Training.fields { places[field.name] = "training.\(field.name)" }
    return places
  }()

  static func unique(_ names: [Located<String>], _ list: String) throws {
    for (place, name) in names.enumerated() where names[..<place].contains(where: { $0.value == name.value }) {
      throw name.origin.failure("'\(name.value)' is among the \(list) twice", advice: "give each another name")
    }
  }
}

extension Experiment.Client: ObjectSchema {
  static let title = "Client of an experiment"

  static let fields: [FieldSchema<Self>] = [
    .key(
      "name", \.name, .clientName, isRequired: true, "What the client, its domain and its validation set are called."),
    .key("train", \.train, .path, isRequired: true, "Samples to train on, all of them good: a file of JSON Lines."),
    .key("anchor", \.anchor, .path, isRequired: true, "Samples like them that set the threshold."),
    .key("validation", \.validation, .path, isRequired: true, "Samples that scorers compare others with."),
    .key("test", \.test, .path, isRequired: true, "Held-out samples to measure on."),
    .key(
      "samples", \.samples, .integer(atLeast: 1), "How many of the training samples it has, the first of the file.",
      absent: { _ in "all" }),
    .key(
      "corruption_factor", \.corruptionFactor, .number(),
      "The share of its samples that is made bad, as a multiple of each of corruption.shares."),
  ]

  static let rules = [
    Rule<Self> { client, _ in
      guard client.corruptionFactor.value < 0 else { return }
      throw client.corruptionFactor.origin.failure(
        "'corruption_factor' must not be negative, but is \(client.corruptionFactor.value)")
    }
  ]
}

extension Experiment.Corruption: ObjectSchema {
  static let title = "Corruption"

  static let fields: [FieldSchema<Self>] = [
    .key(
      "shares", \.shares, .list(of: .number(atMost: 1)),
      "The shares of each client's samples that are made bad, from 0 to 1.", absent: "0.5"),
    .key("kinds", \.kinds, .list(of: .choice), "How samples are made bad, in turn.", absent: "all kinds"),
  ]

  static let rules = [
    Rule<Self> { corruption, _ in
      for share in corruption.shares where share.value < 0 {
        throw share.origin.failure("a share is a number from 0 to 1, not \(share.value)")
      }
      try Experiment.unique(corruption.shares.map { Located("\($0.value)", $0.origin) }, "shares")
      try Experiment.unique(corruption.kinds.map { Located($0.value.rawValue, $0.origin) }, "kinds")
    }
  ]
}

extension Experiment.Arm: ObjectSchema {
  static let title = "Arm"

  static let fields: [FieldSchema<Self>] = [
    .key("name", \.name, .scorerName, isRequired: true, "What the arm is called in tables and pictures."),
    .key("keep", \.keep, .choice, "What is kept, where no score decides."),
    .key(
      "recipe", \.recipe, .path, "A recipe whose scorers and selection decide, relative to the experiment's folder."),
    .key(
      "score", \.score, .oneOrMany(of: .object),
      "How samples are scored, as in a recipe: a scorer, or a list of them; goes with 'select'."),
    .key("combine", \.combine, .choice, "How several scores become one."),
    .key("select", \.select, .object, "Which samples are kept by their scores, as in a recipe."),
  ]

  static let rules = [
    Rule<Self> { arm, origin in
      let ways = [arm.keep?.origin, arm.recipe?.origin, arm.score.first?.origin ?? arm.select?.origin]
      guard ways.count(where: { $0 != nil }) == 1 else {
        throw origin.failure(
          "the arm '\(arm.name.value)' does not say in one way what is kept",
          advice: "give it 'keep', or 'recipe', or 'score' with 'select'")
      }
      guard arm.score.isEmpty == (arm.select == nil) else {
        throw origin.failure("'score' and 'select' of the arm '\(arm.name.value)' go together")
      }
    }
  ]

  static let elsewhere = ["scorer": "score.scorer", "threshold": "select.threshold"]

  mutating func settle() {
    if score.count < 2 { combine = nil }
    if combine?.value != .shortfall { for place in score.indices { score[place].value.side = nil } }
  }
}

extension Experiment.Merge: ObjectSchema {
  static let title = "Merge of an experiment"

  static let fields: [FieldSchema<Self>] = [
    .key("name", \.name, .scorerName, isRequired: true, "What the merge is called in tables and pictures."),
    .key("weights", \.weights, .choice, "Where the clients' weights come from."),
    .key("merge", \.merge, .object, isRequired: true, "How the adapters are merged, as in a recipe."),
  ]

  static let elsewhere = ["method": "merge.method", "space": "merge.space", "parameters": "merge.parameters"]
}

extension Experiment.Measure: ObjectSchema {
  static let title = "Measuring"

  static let fields: [FieldSchema<Self>] = [
    .key(
      "draws", \.draws, .integer(atLeast: 0),
      "How often test samples are drawn anew for intervals, where there is one seed."),
    .key("examples", \.examples, .integer(atLeast: 0), "How many questions of each client the merged models answer."),
    .key("answer_tokens", \.answerTokens, .integer(atLeast: 1), "How many tokens such an answer has at the most."),
  ]
}
