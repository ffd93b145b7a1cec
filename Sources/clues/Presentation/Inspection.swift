import Adapters
import Bundles
import Diagnostics
import JSON
import Tensors

/// The contents of a bundle, an adapter, a checkpoint or a file, for people and for programs.
public struct Inspection: Sendable {
  public let json: JSONValue
  public let text: String

  /// Inspects whatever is at a path.
  ///
  /// - parameter input: The path, and the name of the adapter to use if a bundle holds several.
  public init(_ input: InputArgument, _ page: PageLayout = PageLayout(), limits: Limits = Limits()) throws {
    let path = input.path
    let isOneFile = [".safetensors", ".pt", "optimizer.bin"].contains { path.hasSuffix($0) }
    guard input.adapter == nil || !isOneFile else {
      throw Failure(.usage, "is a single file, in which adapters have no names", advice: "omit --adapter", file: path)
    }
    if path.hasSuffix(".safetensors") {
      let file = try locating(file: path) { try SafetensorsFile(Bytes(mapping: path), limits: limits) }
      (json, text) = Self.describe(file, path)
    } else if path.hasSuffix(".pt") || path.hasSuffix("optimizer.bin") {
      let state = try locating(file: path) { try OptimizerState(Bytes(mapping: path), limits: limits) }
      (json, text) = Self.describe(state, path)
    } else {
      let bundle = try Bundle.open(
        path, wanting: [.adapter, .trainerStates, .samples, .ledger], adapter: input.adapter, limits: limits)
      (json, text) = try Self.describe(bundle, bundle.adapter.map { try $0.adapter() }, page)
    }
  }

  private static func describe(_ file: SafetensorsFile, _ path: String) -> (JSONValue, String) {
    let tensors = file.names.compactMap { name in file.tensors[name].map { (name, $0) } }
    var table = Table()
    for (name, tensor) in tensors {
      table.add(name, tensor.dtype.torchName, "\(tensor.shape)", size(tensor.bytes.count))
    }
    let json: JSONValue = .object([
      "schema": "clues/inspection/1", "kind": "safetensors", "path": .string(path),
      "metadata": .object(JSONObject(file.metadata.sorted { $0.key < $1.key }.map { ($0, .string($1)) })),
      "tensors": .array(
        tensors.map { name, tensor in
          [
            "name": .string(name), "dtype": .string(tensor.dtype.torchName),
            "shape": .array(tensor.shape.map { JSONValue($0) }),
          ]
        }),
    ])
    return (json, "\(oneLine(path)): \(tensors.count) tensors\n\(table.text)")
  }

  private static func describe(_ state: OptimizerState, _ path: String) -> (JSONValue, String) {
    var table = Table(["group", "parameters", "learning rate", "betas", "epsilon", "weight decay"])
    for (index, group) in state.groups.enumerated() {
      table.add(
        "\(index)", "\(group.parameterCount)", group.learningRate.map { short($0) } ?? "–",
        "\(short(group.beta1)), \(short(group.beta2))", short(group.epsilon), short(group.weightDecay))
    }
    let json: JSONValue = .object([
      "schema": "clues/inspection/1", "kind": "optimizer", "path": .string(path),
      "groups": .array(
        state.groups.map { group in
          [
            "parameters": JSONValue(group.parameterCount),
            "learning_rate": group.learningRate.map { .number($0) } ?? .null,
            "beta1": .number(group.beta1), "beta2": .number(group.beta2), "epsilon": .number(group.epsilon),
            "weight_decay": .number(group.weightDecay), "amsgrad": .bool(group.amsgrad),
          ]
        }),
    ])
    return (json, "\(oneLine(path)): the state of Adam, read without executing anything\n\(table.text)")
  }

  private static func describe(
    _ bundle: Bundle, _ adapter: Adapter?, _ page: PageLayout
  ) throws -> (JSONValue, String) {
    var facts = Facts()
    var object = JSONObject([
      ("schema", "clues/inspection/1"), ("kind", "bundle"), ("path", .string(bundle.path)),
      ("client", .string(bundle.client)), ("domain", JSONValue(bundle.domain)),
      ("sha256", .string(try bundle.digest())),
    ])
    facts.add("client", bundle.client + (bundle.domain.map { ", domain \($0)" } ?? ""))
    if let adapter {
      let name = bundle.adapter?.name ?? AdapterFiles.defaultName
      object["adapter"] = try describe(adapter, named: name, step: bundle.adapterStep, in: &facts)
    }
    try describe(bundle.checkpoints, in: &facts, &object)
    if let samples = bundle.samples {
      let count = bundle.trainingSampleCount.map { "\($0) training samples" } ?? "there"
      facts.add("samples", "\(count), \(size(samples.size))")
      object["training_samples"] = bundle.trainingSampleCount.map { JSONValue($0) } ?? .null
    }
    if let file = bundle.ledger, let ledger = try bundle.readLedger() {
      object["ledger"] = try describe(ledger, of: file.size, in: &facts)
    }
    object["files"] = .array(bundle.files.map { ["path": .string($0.path), "bytes": JSONValue($0.size)] })
    object["ignored"] = .array(bundle.ignored.map { .string($0.path) })
    let notes = bundle.notes + (adapter?.notes ?? [])
    object["notes"] = JSONValue(notes)
    let total = bundle.files.reduce(0) { $0 + $1.size }
    facts.add("files", "\(bundle.files.count) known, \(size(total)); \(bundle.ignored.count) others, not read")
    let remarks = notes.map { "\n" + wrapped("note: \(oneLine($0))", to: page.columns) }.joined()
    return (.object(object), "\(oneLine(bundle.path))\n\(facts.text(columns: page.columns))\(remarks)")
  }

  private static func describe(
    _ adapter: Adapter, named name: String, step: Int?, in facts: inout Facts
  ) throws -> JSONValue {
    let modules = adapter.modules.values.sorted { $0.name < $1.name }
    let endings = Set(modules.map { $0.name.split(separator: ".").last.map(String.init) ?? $0.name }).sorted()
    let scalings = Set(modules.map(\.scaling)).sorted()
    let dtypes = adapter.dtypes.map(\.torchName).sorted()
    let shown = scalings.prefix(4).map { short($0) }.joined(separator: ", ") + (scalings.count > 4 ? ", …" : "")
    facts.add("base model", adapter.config.baseModel ?? "not named")
    let title = name == AdapterFiles.defaultName ? "" : ", named '\(name)'"
    facts.add("adapter", (step.map { "of checkpoint \($0)" } ?? "final") + title)
    facts.add("modules", "\(modules.count): \(endings.joined(separator: ", "))")
    facts.add("rank", span(modules.map(\.rank)))
    facts.add("scaling", shown + (adapter.config.usesRsLoRA ? " (rsLoRA)" : ""))
    facts.add("parameters", "\(adapter.parameterCount), \(dtypes.joined(separator: " and "))")
    if !adapter.absolutes.isEmpty {
      facts.add(
        "replaced", "\(adapter.absolutes.count) tensors of the base model; say how to merge them with --absolute")
    }
    let isFinite = try modules.allSatisfy { try $0.a.isFinite() && $0.b.isFinite() }
    if !isFinite { facts.add("odd", "some numbers are NaN or infinite; this adapter cannot be merged") }
    return .object([
      "base_model": JSONValue(adapter.config.baseModel), "name": .string(name),
      "step": step.map { JSONValue($0) } ?? .null,
      "rank_smallest": JSONValue(modules.map(\.rank).min() ?? 0),
      "rank_largest": JSONValue(modules.map(\.rank).max() ?? 0),
      "scalings": .array(scalings.map { .number($0) }), "rslora": .bool(adapter.config.usesRsLoRA),
      "dtypes": JSONValue(dtypes), "parameters": JSONValue(adapter.parameterCount), "finite": .bool(isFinite),
      "replaced_tensors": JSONValue(adapter.absolutes.keys.sorted()),
      "modules": .array(
        modules.map { module in
          [
            "name": .string(module.name), "kind": .string(module.kind.rawValue), "rank": JSONValue(module.rank),
            "alpha": .number(module.alpha), "scaling": .number(module.scaling), "outputs": JSONValue(module.outputs),
            "inputs": JSONValue(module.inputs),
          ]
        }),
    ])
  }

  private static func describe(_ ledger: Ledger, of bytes: Int, in facts: inout Facts) throws -> JSONValue {
    let splits = ledger.counts.sorted { $0.key < $1.key }
    let counts = splits.map { "\($0.value) \($0.key)" }
    facts.add(
      "ledger",
      "\(counts.joined(separator: ", ")) at \(ledger.checkpoints.count) checkpoints, \(size(bytes))")
    facts.add("", ledger.columnNames.joined(separator: ", "))
    return .object([
      "bytes": JSONValue(bytes), "columns": JSONValue(ledger.columnNames),
      "samples": .object(JSONObject(splits.map { ($0.key, JSONValue($0.value)) })),
      "checkpoints": .array(ledger.checkpoints.map { JSONValue($0.step) }), "notes": JSONValue(ledger.notes),
    ])
  }

  private static func describe(
    _ checkpoints: [Checkpoint], in facts: inout Facts, _ object: inout JSONObject
  ) throws {
    guard !checkpoints.isEmpty else { return }
    facts.add("checkpoints", checkpoints.map { "\($0.step)" }.joined(separator: ", "))
    let evidence: [(String, (Checkpoint) -> Bool)] = [
      ("trainer_state.json", { $0.trainerState != nil }), ("optimizer.pt", { $0.optimizer != nil }),
      ("training gradients", { $0.gradients.train != nil }), ("anchor gradients", { $0.gradients.anchor != nil }),
      ("validation gradients", { !$0.gradients.validation.isEmpty }),
    ]
    for (name, isThere) in evidence {
      let count = checkpoints.filter(isThere).count
      if count > 0 {
        facts.add(name, count == checkpoints.count ? "at every checkpoint" : "at \(count) of \(checkpoints.count)")
      }
    }
    let rates = try checkpoints.map { checkpoint -> Double? in
      try checkpoint.trainerState.flatMap { file in
        let state = try locating(file: file.name) { try TrainerState(file.bytes(), limits: file.limits) }
        return LearningRate(log: state)?.mean
      }
    }
    if rates.contains(where: { $0 != nil }) {
      facts.add("learning rates", rates.map { $0.map(short) ?? "–" }.joined(separator: ", "))
    }
    object["checkpoints"] = .array(
      zip(checkpoints, rates).map { checkpoint, rate in
        [
          "step": JSONValue(checkpoint.step), "learning_rate": rate.map { .number($0) } ?? .null,
          "trainer_state": .bool(checkpoint.trainerState != nil),
          "optimizer": .bool(checkpoint.optimizer != nil),
          "other_optimizers": JSONValue(checkpoint.otherOptimizers),
          "gradients": JSONValue(
            [checkpoint.gradients.train, checkpoint.gradients.anchor].compactMap { $0?.path }
              + checkpoint.gradients.validation.values.map(\.path).sorted()),
        ]
      })
  }
}
