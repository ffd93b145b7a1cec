import ArgumentParser
import Diagnostics
import Experiments
import JSON
import Recipes
import Records

extension Clues {
  struct ExperimentCommand: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "experiment",
      abstract: "Make data bad on purpose and measure what selection wins back.",
      usage: "clues experiment <experiment> [<options>]",
      discussion: """
        For every seed and share of bad samples: corrupts the clients' training data, trains adapters on them, scores and \
        selects in every arm, trains again on what each arm keeps, merges in every way, and measures all models on held-out \
        samples. The output folder gets experiment.json, experiment.csv and experiment.html, a page with tables and pictures.

        Every step is kept under the digest of what made it. An experiment that was stopped or killed goes on when the same \
        command is given again, and a changed one does only the steps that the change concerns.

        Examples:
          clues experiment experiments/small.yaml
          clues experiment experiments/paper.yaml --threads 16 --jobs 8
          clues experiment experiments/small.yaml --set training.steps=20 --dry-run
        """)

    @Argument(
      help: ArgumentHelp("The experiment, a YAML file.", valueName: "experiment"),
      completion: .file(extensions: ["yaml", "yml"]))
    var path: String

    @Option(
      help: ArgumentHelp(
        "Set a value of the experiment, as in training.steps=20; can be repeated.", valueName: "key=value")
    )
    var set: [String] = []

    @Option(
      name: .shortAndLong,
      help: ArgumentHelp(
        "The folder for steps and results; by default output of the experiment, else runs/<experiment>.",
        valueName: "dir"),
      completion: .directory)
    var output: String?

    @OptionGroup var work: ThreadOptions

    @Option(
      help: ArgumentHelp(
        "How many steps are done at once; by default as many as there are threads, but no more than 4. Each takes the "
          + "memory of a training.", valueName: "n"))
    var jobs: Int?

    @Flag(help: "Check the experiment and its data and print how many steps there are, without doing them.")
    var dryRun = false

    @Flag(help: "Print the results as JSON.")
    var json = false

    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var limits: LimitOptions

    func validate() throws {
      guard jobs ?? 1 >= 1 else { throw ValidationError("--jobs must be at least 1") }
    }

    func run() throws {
      let experiment = try Experiment.read(
        path: path, overrides: set.map { try Override($0) }, limits: limits.limits)
      let output = output ?? experiment.output.map { experiment.path($0) } ?? "runs/\(stem)"
      let run = try ExperimentRun(
        experiment, output: output, catalog: isolation.catalog(plugins),
        observer: Console.observer(progress.progress), threads: work.threads, jobs: jobs ?? min(work.threads, 4),
        limits: limits.limits)
      if dryRun {
        return try Console.result(
          run.plan.filter { $0.count > 0 }.map { "\($0.kind): \($0.count)" }.joined(separator: "\n"))
      }
      let record = try run.run()
      if json { return Console.done(record.json.text(indented: true)) }
      if messages.quiet { return }
      Console.done(record.summary(Console.page) + "\n\nThe page is \(oneLine(output))/experiment.html")
    }

    /// The name of the file without its ending.
    private var stem: String {
      let name = path.split(separator: "/").last.map(String.init) ?? "experiment"
      return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }
  }
}
