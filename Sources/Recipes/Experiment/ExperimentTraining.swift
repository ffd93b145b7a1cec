import Diagnostics

extension Experiment {
  /// How adapters are trained: what is not given is as in `clues train`.
  package struct Training: Sendable {
    package var rank: Located<Int>?
    package var alpha: Located<Double>?
    package var usesRsLoRA = Located(false)
    package var targets: [Located<String>] = []
    package var dropout: Located<Double>?
    package var steps: Located<Int>?
    package var epochs: Located<Double>?
    package var batch = Located(8)
    package var accumulation = Located(1)
    package var learningRate = Located(5e-5)
    package var schedule = Located(Schedule.linear)
    package var warmup = Located(0.0)
    package var clip = Located(1.0)
    package var weightDecay = Located(0.0)
    package var saveSteps: Located<Int>?
    package var loss = Located(Span.answer)
    package var template: Located<String>?
    package var maximumLength: Located<Int>?

    package init() {}
  }

  /// How the learning rate falls.
  package enum Schedule: String, Choice {
    case linear, cosine, constant

    var meaning: String {
      switch self {
      case .linear: "on a line to 0"
      case .cosine: "as half a cosine to 0"
      case .constant: "not at all"
      }
    }
  }

  /// The tokens that are learned.
  package enum Span: String, Choice {
    case answer, all

    var meaning: String {
      switch self {
      case .answer: "those of answers"
      case .all: "all tokens"
      }
    }
  }
}

extension Experiment.Training: ObjectSchema {
  static let title = "Training"

  static let fields: [FieldSchema<Self>] = [
    .key("rank", \.rank, .integer(atLeast: 1), "The adapters' rank.", absent: { _ in "8" }),
    .key("alpha", \.alpha, .number(above: 0), "The adapters' alpha.", absent: { _ in "8" }),
    .key("rslora", \.usesRsLoRA, .flag, "Whether the scaling is alpha/√rank instead of alpha/rank."),
    .key(
      "targets", \.targets, .list(of: .name), "The layers that are adapted, by names or endings, or 'all-linear'.",
      absent: "PEFT's for the model"),
    .key("dropout", \.dropout, .number(), "The chance that a number before A is dropped.", absent: { _ in "0" }),
    .key("steps", \.steps, .integer(atLeast: 1), "How many steps are trained, whatever is kept; instead of 'epochs'."),
    .key(
      "epochs", \.epochs, .number(above: 0), "How often all samples are gone through.",
      absent: { $0.steps == nil ? "3" : nil }),
    .key("batch", \.batch, .integer(atLeast: 1), "Samples of a batch."),
    .key("accumulation", \.accumulation, .integer(atLeast: 1), "Batches of a step."),
    .key("learning_rate", \.learningRate, .number(above: 0), "The largest learning rate."),
    .key("schedule", \.schedule, .choice, "How the learning rate falls."),
    .key("warmup", \.warmup, .number(), "Steps in which it rises from 0 before; below 1 their share of all."),
    .key("clip", \.clip, .number(), "The largest norm of a gradient; 0 for any."),
    .key("weight_decay", \.weightDecay, .number(), "AdamW's decay of weights."),
    .key(
      "save_steps", \.saveSteps, .integer(atLeast: 1),
      "Steps between checkpoints, each of which is measured for scoring.", absent: { _ in "those of an epoch" }),
    .key("loss", \.loss, .choice, "The tokens that are learned."),
    .key("template", \.template, .name, "How samples become text.", absent: { _ in "as the model says" }),
    .key(
      "max_length", \.maximumLength, .integer(atLeast: 1), "Samples are cut off after this many tokens.",
      absent: { _ in "never" }),
  ]

  static let rules = [
    Rule<Self> { training, _ in
      guard let steps = training.steps, let epochs = training.epochs else { return }
      throw Origin.later(steps.origin, epochs.origin).failure(
        "'training.steps' and 'training.epochs' are mutually exclusive", advice: "keep one of them")
    }
  ]

  static let elsewhere = [
    "r": "rank", "lora_alpha": "alpha", "target_modules": "targets", "lora_dropout": "dropout", "lr": "learning_rate",
    "max_steps": "steps", "num_train_epochs": "epochs", "per_device_train_batch_size": "batch",
    "gradient_accumulation_steps": "accumulation", "lr_scheduler_type": "schedule", "warmup_steps": "warmup",
    "max_grad_norm": "clip",
  ]
}
