import ArgumentParser
import Diagnostics
import JSON
import Recipes
import Runs

extension Clues {
  struct Merge: MergingCommand {
    static let configuration = CommandConfiguration(
      commandName: "merge",
      abstract: "Merge adapters without a recipe.",
      usage: "clues merge <input> ... --method <name> --output <dir> [<options>]",
      discussion: """
        Inputs are archives, Trainer folders, single checkpoints or PEFT folders, one per client. If one holds several \
        adapters, choose one with --adapter NAME or INPUT#NAME. `clues plugins list` lists the methods, \
        `clues plugins show METHOD` their parameters. PEFT can load the result directly.

        Examples:
          clues merge medical.tar.zst financial.zip --method average -o merged
          clues merge a/ b/ c/ --method ties -p density=0.5 --rank 16 -o merged
          clues merge a/ b/ --method average --weight 0.7 --weight 0.3 -o merged
          clues merge x/out y/out --client x --client y --method average -o merged
          clues merge model#math model#code --method ties -o merged
          clues merge in/* --without noisy --method average -o merged
        """)

    @Argument(help: ArgumentHelp("The clients' bundles.", valueName: "input"), completion: .file())
    var inputs: [String]

    @Option(help: ArgumentHelp("The merge method.", valueName: "name"), completion: .pluginIds(.mergeMethod))
    var method: String

    @Option(
      name: [.customShort("p"), .customLong("parameter")],
      help: ArgumentHelp("A parameter of the method; can be repeated.", valueName: "key=value"),
      completion: .parameters(of: "--method"))
    var parameters: [String] = []

    @Option(
      help: "What the method is applied to: stack, core, delta or factors; the default depends on the method.",
      completion: .list(Recipe.Space.allCases.map(\.rawValue)))
    var space: String?

    @Option(
      parsing: .unconditionalSingleValue,
      help: ArgumentHelp("A client's weight, once for each input in order; by default all are 1.", valueName: "w"))
    var weight: [Double] = []

    @OptionGroup var clients: ClientOptions

    @Option(
      help: ArgumentHelp("The rank of the result: a number, same or full.", valueName: "r"),
      completion: .list(["same", "full"]))
    var rank: String?

    @Option(help: ArgumentHelp("The share of each module's energy to keep; the rank follows.", valueName: "e"))
    var energy: Double?

    @Flag(help: "Decompose dense results exactly, which is slow for large layers.")
    var exact = false

    @Flag(help: "Write what compression drops as a second adapter, so that nothing is lost.")
    var residual = false

    @Option(
      help: "The type of the result: float32, float16 or bfloat16; by default that of the inputs.",
      completion: .list(Recipe.Precision.allCases.map(\.rawValue)))
    var dtype: String?

    @Option(
      help:
        "The ranks of the modules: uniform (padded with zeros) or exact; by default uniform if that adds less than 10 % more parameters.",
      completion: .list(Recipe.RankLayout.allCases.map(\.rawValue)))
    var rankLayout: String?

    @Option(
      help: "How the space factors splits weights between A and B: sqrt or whole.",
      completion: .list(Recipe.FactorWeighting.allCases.map(\.rawValue)))
    var split: String?

    @Option(
      help: "How to treat a module that some clients lack: zero or renormalize.",
      completion: .list(Recipe.Missing.allCases.map(\.rawValue)))
    var missing: String?

    @Option(
      help: "What to do with tensors that replace the base model's: refuse, average, drop or {take: CLIENT}.",
      completion: .list(["refuse", "average", "drop"]))
    var absolute: String?

    @Option(
      help:
        "What is written: \(OutputFormat.choices); by default the output's file name extension decides.",
      completion: .list(OutputFormat.all.map(\.name)))
    var format: String?

    @Option(
      help: ArgumentHelp(
        "The base model, for --format gguf: its folder, its config.json, or a GGUF file.", valueName: "model"),
      completion: .file())
    var base: String?

    @Option(help: ArgumentHelp("The base model that the result names, if the inputs differ.", valueName: "name"))
    var baseModel: String?

    @Option(help: "The seed of all random numbers.")
    var seed: UInt64?

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp("The folder of the merged adapter, or an archive such as merged.tar.zst.", valueName: "dir"),
      completion: .directory)
    var output: String

    @OptionGroup var work: ThreadOptions
    @OptionGroup var leavingOut: WithoutOptions
    @OptionGroup var options: RunOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var limits: LimitOptions

    func validate() throws {
      guard weight.isEmpty || weight.count == inputs.count else {
        throw ValidationError(
          "there are \(weight.count) weights for \(inputs.count) inputs; give one for each, in order")
      }
      try clients.check(inputs: inputs)
    }

    func run() throws {
      try options.carryOut(Recipe.made(of: settings), output: output, by: self)
    }

    /// The recipe keys that options set.
    static let paths: [String: [String]] = [
      "--method": ["merge", "method"], "--space": ["merge", "space"], "--rank": ["merge", "rank"],
      "--energy": ["merge", "energy"], "--split": ["merge", "split"], "--missing": ["merge", "missing"],
      "--absolute": ["merge", "absolute"], "--base-model": ["merge", "base_model"], "--dtype": ["output", "dtype"],
      "--rank-layout": ["output", "rank_layout"], "--format": ["output", "format"], "--base": ["output", "base"],
      "--seed": ["seed"],
      "--residual": ["merge", "residual"],
      "--exact": ["merge", "exact"],
    ]

    /// The options as settings of a recipe.
    private var settings: [Override] {
      get throws {
        let inputs = try InputArgument.all(inputs, adapters: clients.adapters)
        var settings = [try Override(["clients"], inputs.clients.text(), from: "the inputs")]
        settings.append(try Override(Self.paths["--method"] ?? [], method, from: "--method \(method)"))
        for (index, weight) in weight.enumerated() {
          settings.append(try Override(["clients", "\(index)", "weight"], "\(weight)", from: "--weight \(weight)"))
        }
        settings += try self.clients.overrides
        settings += try parameters.map { try Override(parameter: $0, of: ["merge", "parameters"]) }
        let options: [(String, String?)] = [
          ("--space", space), ("--rank", rank), ("--energy", energy.map { "\($0)" }), ("--split", split),
          ("--missing", missing), ("--absolute", absolute), ("--base-model", baseModel), ("--dtype", dtype),
          ("--rank-layout", rankLayout), ("--format", format), ("--base", base), ("--seed", seed.map { "\($0)" }),
          ("--residual", residual ? "true" : nil),
          ("--exact", exact ? "true" : nil),
        ]
        for case (let option, let value?) in options {
          settings.append(try Override(Self.paths[option] ?? [], value, from: "\(option) \(value)"))
        }
        return settings + (try limits.overrides)
      }
    }
  }
}
