import ArgumentParser
import Capture
import Diagnostics
import Training

extension Clues {
  struct TrainCommand: WorkingCommand {
    static let configuration = CommandConfiguration(
      commandName: "train",
      abstract: "Train a LoRA adapter, with checkpoints that PEFT and the Trainer read.",
      usage: "clues train --base <model> --data <file> --output <dir> [<options>]",
      discussion: """
        Trains as the Trainer of Hugging Face does with PEFT: AdamW, gradients clipped, the loss over all labels of a step \
        together; what is not set is as it is there. Files of samples are those of clues capture. The output is a Trainer's \
        folder: checkpoint-N with adapter, optimizer, schedule and log, and the finished adapter beside them.

        A training that was stopped or killed goes on from its last checkpoint when the same command is given again, to the \
        same bytes as if nothing had happened. A folder with checkpoints of other settings is refused.

        With --capture the checkpoints are measured, too: the folder is then ready for clues score.

        Examples:
          clues train --base SmolLM2-135M --data t.jsonl -o outputs/medical
          clues train --base SmolLM2-135M --data t.jsonl --show 2 -o outputs/medical
          clues train --base SmolLM2-135M --data t.jsonl --rank 16 --alpha 32 --targets all-linear --learning-rate 2e-4 \
        --schedule cosine --warmup 0.03 --steps 400 --save-steps 100 -o outputs/medical
          clues train --base SmolLM2-135M --data t.jsonl --keep kept/clues/selected/medical.txt -o outputs/kept
          clues train --base SmolLM2-135M --data t.jsonl --capture --anchor a.jsonl --validation medical=v.jsonl \
        -o outputs/medical
        """)

    @OptionGroup var model: ModelOptions

    @Option(
      help: ArgumentHelp("Samples to train on; may be repeated.", valueName: "file"), completion: .file())
    var data: [String]

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The folder for checkpoints and adapter.", valueName: "dir"),
      completion: .directory)
    var output: String

    @Option(
      name: .customLong("init"),
      help: ArgumentHelp("Go on from this adapter, with its rank and layers.", valueName: "adapter"),
      completion: .file())
    var initial: String?

    @Option(help: ArgumentHelp("The adapter's rank. By default 8.", valueName: "r"))
    var rank: Int?

    @Option(help: ArgumentHelp("The adapter's alpha. By default 8.", valueName: "a"))
    var alpha: Double?

    @Flag(help: "Scale by alpha/√rank instead of alpha/rank.")
    var rslora = false

    @Option(
      help: ArgumentHelp(
        "The layers that are adapted, by names or endings, with commas between; or all-linear. By default PEFT's for the "
          + "model, q_proj,v_proj.", valueName: "names"))
    var targets: String?

    @Option(
      help: ArgumentHelp(
        "The chance that a number before A is dropped. By default 0, or that of --init.", valueName: "p"))
    var dropout: Double?

    @Option(help: ArgumentHelp("How many steps are trained; instead of --epochs.", valueName: "n"))
    var steps: Int?

    @Option(help: ArgumentHelp("How often all samples are gone through, also in part. By default 3.", valueName: "n"))
    var epochs: Double?

    @Option(help: ArgumentHelp("Samples of a batch.", valueName: "n"))
    var batch: Int = 8

    @Option(help: ArgumentHelp("Batches of a step.", valueName: "n"))
    var accumulation: Int = 1

    @Option(
      help: ArgumentHelp(
        "In which order samples are seen: random, anew in each epoch, or sequential.", valueName: "order"))
    var order: SampleOrder = .random

    @Option(name: .customLong("learning-rate"), help: ArgumentHelp("The largest learning rate.", valueName: "x"))
    var learningRate: Double = 5e-5

    @Option(help: ArgumentHelp("How the learning rate falls: linear, cosine or constant.", valueName: "name"))
    var schedule: Schedule = .linear

    @Option(
      help: ArgumentHelp("Steps in which it rises from 0 before; below 1 their share of all.", valueName: "n"))
    var warmup: Double = 0

    @Option(help: ArgumentHelp("The largest norm of a gradient; 0 for any.", valueName: "norm"))
    var clip: Double = 1

    @Option(name: .customLong("weight-decay"), help: ArgumentHelp("AdamW's decay of weights.", valueName: "x"))
    var weightDecay: Double = 0

    @Option(help: ArgumentHelp("AdamW's share of the mean of gradients that stays.", valueName: "x"))
    var beta1: Double = 0.9

    @Option(help: ArgumentHelp("AdamW's share of the mean of squares that stays.", valueName: "x"))
    var beta2: Double = 0.999

    @Option(help: ArgumentHelp("What AdamW adds to roots of squares.", valueName: "x"))
    var epsilon: Double = 1e-8

    @Option(help: ArgumentHelp("What A, the order and dropout are drawn from.", valueName: "n"))
    var seed: UInt64 = 42

    @Option(
      name: .customLong("save-steps"),
      help: ArgumentHelp(
        "Steps between checkpoints; there is always one at the end. By default those of an epoch.", valueName: "n"))
    var saveSteps: Int?

    @Flag(
      name: .customLong("checkpoint-activations"),
      help: ArgumentHelp(
        "Keep the inputs of layers alone and recompute the rest in the backward pass: less memory, about a third more time, "
          + "the same bytes. By default where activations would take more than half of the machine's memory."))
    var checkpointActivations = false

    @Flag(help: "Measure the checkpoints, as clues capture does.")
    var capture = false

    @Flag(help: "Print what came of it as JSON.")
    var json = false

    @OptionGroup var samples: DataOptions
    @OptionGroup var evidence: EvidenceOptions
    @OptionGroup var work: ThreadOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var progress: ProgressOptions
    @OptionGroup var messages: MessageOptions

    func validate() throws {
      guard steps == nil || epochs == nil else { throw ValidationError("--steps and --epochs say the same: give one") }
      guard capture || evidence.isEmpty else {
        throw ValidationError("--anchor, --validation, --domain and --score-loss are for --capture")
      }
    }

    func run() throws {
      var data = CaptureSettings(client: output, base: model.base, train: self.data, anchor: nil, validation: [])
      data.template = model.template
      samples.apply(to: &data)
      evidence.apply(to: &data)
      data.threads = work.threads
      data.limits = try limits.limits
      var settings = TrainingSettings(data: data)
      settings.initial = initial
      settings.rank = rank
      settings.alpha = alpha
      settings.usesRsLoRA = rslora
      settings.targets = targets?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      settings.dropout = dropout
      settings.length = steps.map { .steps($0) } ?? .epochs(epochs ?? 3)
      settings.batch = batch
      settings.accumulation = accumulation
      settings.order = order
      settings.seed = seed
      settings.learningRate = learningRate
      settings.schedule = schedule
      settings.warmup = warmup
      settings.clip = clip
      settings.weightDecay = weightDecay
      settings.beta1 = beta1
      settings.beta2 = beta2
      settings.epsilon = epsilon
      settings.saveSteps = saveSteps
      settings.checkpointsActivations = checkpointActivations
      settings.captures = capture
      let trainer = Trainer(settings, observer: Console.observer(progress.progress))
      if let show = samples.show { return try Console.result(trainer.listings(show)) }
      let report = try trainer.run()
      if messages.quiet, !json { return }
      Console.done(json ? report.json.text(indented: true) : report.text)
    }
  }
}

extension Schedule: ExpressibleByArgument {}
extension SampleOrder: ExpressibleByArgument {}
