import Foundation

/// One measurement: a name to ask for it, and what it does.
struct Measurement: Sendable {
  let name: String
  let carryOut: @Sendable (Workspace, Report) throws -> Void
}

/// What the six adapters of most measurements are merged with.
private let ties = "--method ties --parameter density=0.2 --space factors"

extension Measurement {
  static let all = [
    Measurement(name: "start", carryOut: start),
    Measurement(name: "merge", carryOut: merge),
    Measurement(name: "archives", carryOut: archives),
    Measurement(name: "spaces", carryOut: spaces),
    Measurement(name: "methods", carryOut: methods),
    Measurement(name: "clients", carryOut: clients),
    Measurement(name: "modules", carryOut: modules),
    Measurement(name: "allocations", carryOut: allocations),
    Measurement(name: "threads", carryOut: threads),
    Measurement(name: "scores", carryOut: scores),
    Measurement(name: "mergekit", carryOut: mergekit),
    Measurement(name: "isolation", carryOut: isolation),
    Measurement(name: "gradients-64") { try gradients(of: 16, length: 64, $0, $1) },
    Measurement(name: "gradients-128") { try gradients(of: 8, length: 128, $0, $1) },
    Measurement(name: "gradients-512") { try gradients(of: 2, length: 512, $0, $1) },
    Measurement(name: "capture", carryOut: capture),
  ]

  /// How long it takes before anything is done.
  private static func start(_ workspace: Workspace, _ report: Report) throws {
    report.title("Start: clues --version, clues plugins list")
    let series = try Series(
      [
        Command("clues --version", [workspace.clues, "--version"]),
        Command("clues plugins list", [workspace.clues, "plugins", "list"]),
      ],
      runs: 5 * workspace.runs)
    report.table(series)
    report.figure("start.version.faults", series.median(0, \.pageFaults), "page faults of --version")
    report.figure("start.plugins.faults", series.median(1, \.pageFaults), "page faults of plugins list")
  }

  /// TIES on the factors, which reads and writes about as much as it calculates, against PEFT's functions.
  private static func merge(_ workspace: Workspace, _ report: Report) throws {
    report.title("Merge: six Llama-2-7B adapters (r 16, q and v, float32), TIES 0.2 in factors, whole process")
    let shape = Shape.llama
    let folders = try workspace.adapters(shape, clients: 6)
    let result = "\(workspace.folder)/peft.safetensors"
    let peer = workspace.peer("PEFT", "peft_ties.py", [result, "0.2"] + folders, output: result)
    let commands = [workspace.merge("clues", folders, ties)] + [peer].compactMap { $0 }
    let series = try Series(commands, runs: workspace.runs)
    let bytes = Double(7 * 4 * shape.parameterCount)
    report.table(series, bytes: bytes)
    report.figure(
      "merge.faults", series.median(0, \.pageFaults) / (bytes / 1e6), "page faults for each MB read and written")
    report.figure("merge.memory", series.median(0, \.peak) / (bytes / 7), "peak memory in adapters")
    report.figure("merge.read", series.median(0, \.bytesRead) / bytes, "share of the bytes that came from the disk")
    guard peer != nil else { return }
    report.figure("merge.peft.time", series.ratio(1, to: 0), "times faster than PEFT")
    report.figure("merge.peft.memory", series.ratio(1, to: 0, \.peak), "times less memory than PEFT")
  }

  /// The same from archives: a tar is mapped, a compressed one is decoded once.
  private static func archives(_ workspace: Workspace, _ report: Report) throws {
    report.title("Archives: the same from folders, .tar and .tar.zst")
    let shape = Shape.llama
    var commands = [
      workspace.merge("folders", try workspace.adapters(shape, clients: 6), ties),
      workspace.merge(".tar", try workspace.archives(shape, clients: 6, ending: ".tar"), ties),
    ]
    if workspace.hasProgram("zstd") {
      let packed = try workspace.archives(shape, clients: 6, ending: ".tar.zst")
      commands.append(workspace.merge(".tar.zst", packed, ties))
      commands.append(
        .parallel("zstd -d, two at a time", packed.map { ["zstd", "-d", "-q", "-c", $0] }, atATime: 2))
    } else {
      report.note("there is no program zstd, so compressed archives are left out")
    }
    let series = try Series(commands, runs: workspace.runs)
    report.table(series, bytes: Double(6 * 4 * shape.parameterCount))
    report.figure("archives.tar", series.ratio(1, to: 0), "time from .tar to time from folders")
    guard commands.count > 2 else { return }
    report.figure("archives.zstd", series.ratio(2, to: 3), "time from .tar.zst to that of zstd -d alone")
    let beyond = (0..<workspace.runs).map {
      (series.runs[2][$0].seconds - series.runs[1][$0].seconds) / series.runs[3][$0].seconds
    }
    report.figure("archives.decoding", median(beyond), "what .tar.zst takes more than .tar, to zstd -d alone")
    report.figure("archives.memory", series.ratio(2, to: 0, \.peak), "peak memory from .tar.zst to that from folders")
  }

  /// The spaces against each other, and against what PEFT does for a module.
  private static func spaces(_ workspace: Workspace, _ report: Report) throws {
    report.title("Spaces: six adapters of four modules of 4096 × 4096, to rank 16")
    let folders = try workspace.adapters(.fewLlama, clients: 6)
    let core = workspace.merge("TIES in core", folders, "--method ties -p density=0.2 --space core --rank 16")
    let delta = workspace.merge("TIES in delta", folders, "--method ties -p density=0.2 --space delta --rank 16")
    let few = try Series([core, delta], runs: workspace.runs)
    report.table(few)
    report.title("Spaces: the same of 64 modules")
    let all = try workspace.adapters(.llama, clients: 6)
    let average = workspace.merge("average in stack, to rank 16", all, "--method average --rank 16")
    let allCores = workspace.merge("TIES in core", all, "--method ties -p density=0.2 --space core --rank 16")
    let full = try Series([average, allCores], runs: workspace.runs)
    report.table(full)
    // Sixteen times the modules; what a process takes to start counts in both.
    report.figure(
      "spaces.core", 16 * few.median(1) / full.median(1), "times that core is faster than delta, for 64 modules")
    guard let svd = workspace.peer("PEFT svd, one module", "peft_svd.py", ["svd", "1"] + folders),
      let tiesSVD = workspace.peer("PEFT ties_svd, one module", "peft_svd.py", ["ties_svd", "1"] + folders),
      let nothing = workspace.peer("PEFT, none", "peft_svd.py", ["svd", "0"] + folders)
    else { return }
    let peers = try Series([svd, tiesSVD, nothing], runs: 1, warm: false)
    report.table(peers)
    let (one, ties) = (peers.median(0) - peers.median(2), peers.median(1) - peers.median(2))
    report.figure("spaces.peft.svd", 64 * one / full.median(0), "times that average in stack is faster than PEFT's svd")
    report.figure(
      "spaces.peft.ties", 4 * ties / few.median(1), "times that TIES in delta is faster than PEFT's ties_svd")
  }

  /// From adapters to an adapter, against mergekit, which has to merge full models for that.
  private static func mergekit(_ workspace: Workspace, _ report: Report) throws {
    report.title("mergekit: three SmolLM2-135M adapters (r 8), TIES 0.2 on the updates, to rank 8")
    let folders = try workspace.adapters(.smol, clients: 3)
    let options = "--method ties -p density=0.2 -p preset=mergekit --space delta --rank 8"
    let own = workspace.merge("clues", folders, options)
    let work = "\(workspace.folder)/mergekit"
    guard workspace.hasModule("mergekit"), let base = workspace.peer("base", "mergekit_ties.py", ["base", work]),
      let peer = workspace.peer("mergekit", "mergekit_ties.py", ["ties", work, "0.2", "8"] + folders)
    else { return report.note("there is no Python with mergekit, so this is left out") }
    try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
    _ = try base.run()
    let series = try Series([own, peer], runs: 1, warm: false)
    report.table(series)
    report.figure("mergekit.cpu", series.ratio(1, to: 0, \.cpu), "times less processor time than mergekit")
    report.figure("mergekit.memory", series.ratio(1, to: 0, \.peak), "times less memory than mergekit")
  }

  /// What the methods take beside TIES.
  private static func methods(_ workspace: Workspace, _ report: Report) throws {
    report.title("Methods: six adapters of 16 modules, in factors")
    let folders = try workspace.adapters(.someLlama, clients: 6)
    let names = ["average", "ties", "dare-ties", "della", "magnitude-prune", "breadcrumbs"]
    let series = try Series(
      names.map { workspace.merge($0, folders, "--method \($0) --space factors") }, runs: workspace.runs)
    report.table(series)
    report.figure("methods.della", series.ratio(3, to: 1, \.cpu), "processor time of della to that of ties")
  }

  /// More and more clients: time and memory.
  private static func clients(_ workspace: Workspace, _ report: Report) throws {
    report.title("Clients: TIES 0.2 in factors, 16 modules of 4096 × 4096")
    let counts = [3, 6, 12, 24, 48, 96]
    let series = try Series(
      counts.map { workspace.merge("\($0) clients", try workspace.adapters(.someLlama, clients: $0), ties) },
      runs: workspace.runs)
    report.table(series)
    let growth = (series.median(5) - series.median(4)) / (series.median(4) - series.median(3)) / 2
    report.figure("clients.growth", growth, "time for a client more at 72 clients to that at 36")
    for shape in [Shape.llama, .smol] {
      report.title("Clients: memory with 60 clients against 6, \(shape.name)")
      let memory = try Series(
        [6, 60].map { workspace.merge("\($0) clients", try workspace.adapters(shape, clients: $0), ties) },
        runs: max(1, workspace.runs / 2))
      report.table(memory)
      report.figure(
        "clients.memory.\(shape.name)", memory.ratio(1, to: 0, \.peak), "peak memory with 60 clients to that with 6")
    }
    report.title("Clients: memory with 60 clients against 6, TIES in delta, four modules of 4096 × 4096, to rank 16")
    let delta = try Series(
      [6, 60].map {
        workspace.merge(
          "\($0) clients", try workspace.adapters(.fewLlama, clients: $0),
          "--method ties -p density=0.2 --space delta --rank 16")
      }, runs: 1, warm: false)
    report.table(delta)
    report.figure("clients.delta.peak", delta.median(0, \.peak) / 1e6, "peak memory with 6 clients, in MB")
    report.figure("clients.memory.delta", delta.ratio(1, to: 0, \.peak), "peak memory with 60 clients to that with 6")
  }

  /// More and more modules: time and memory.
  private static func modules(_ workspace: Workspace, _ report: Report) throws {
    report.title("Modules: TIES 0.2 in factors, six clients, modules of 4096 × 4096")
    let shapes = [Shape.fewLlama, .someLlama, .halfLlama, .llama]
    let series = try Series(
      shapes.map { workspace.merge("\($0.modules.count) modules", try workspace.adapters($0, clients: 6), ties) },
      runs: workspace.runs)
    report.table(series)
    let growth = (series.median(3) - series.median(2)) / (series.median(1) - series.median(0)) * 12 / 32
    report.figure("modules.growth", growth, "time for a module more at 48 modules to that at 10")
    report.figure("modules.memory", series.ratio(3, to: 0, \.peak), "peak memory with 64 modules to that with 4")
  }

  /// How often the allocator is asked for memory.
  private static func allocations(_ workspace: Workspace, _ report: Report) throws {
    report.title("Allocations: TIES 0.2 in factors, six clients, modules of 4096 × 4096")
    let (few, all) = (Shape.fewLlama, Shape.llama)
    let counts = try [few, all].map { shape in
      try workspace.allocations(
        of: workspace.merge("\(shape.modules.count) modules", workspace.adapters(shape, clients: 6), ties))
    }
    for (shape, count) in zip([few, all], counts) {
      report.note("\(shape.modules.count) modules: \(count) allocations")
    }
    let extra = Double(counts[1] - counts[0]) / Double(all.modules.count - few.modules.count)
    report.figure("allocations.module", extra / 6, "allocations for a module more, of each client")
  }

  /// One core against two.
  private static func threads(_ workspace: Workspace, _ report: Report) throws {
    report.title("Threads: one against two")
    let (all, few) = (try workspace.adapters(.llama, clients: 6), try workspace.adapters(.fewLlama, clients: 6))
    for (name, inputs, options) in [
      ("ties", all, ties), ("stack", all, "--method average --rank 16"),
      ("core", all, "--method ties -p density=0.2 --space core --rank 16"),
      ("delta", few, "--method ties -p density=0.2 --space delta --rank 16"),
    ] {
      let series = try Series(
        [1, 2].map { workspace.merge("\(name), threads \($0)", inputs, options + " --threads \($0)") },
        runs: workspace.runs)
      report.table(series)
      report.figure("threads.\(name)", series.ratio(0, to: 1), "times that two threads are faster")
    }
  }

  /// The reference's scores from gradient files, against its arithmetic in torch; needs Python to make the evidence.
  private static func scores(_ workspace: Workspace, _ report: Report) throws {
    report.title(
      "Scores: CLUES as the reference has it, 8.4 million parameters, 3 domains, two clients, one checkpoint")
    let (few, many) = (8, 40)
    var commands: [Command] = []
    for count in [few, many] {
      let clients = ["a", "b"].map { "\(workspace.folder)/evidence-\(count)-\($0)" }
      for client in clients {
        guard let make = workspace.peer("evidence", "make_evidence.py", [client, "\(count)"]) else {
          return report.note("there is no Python to make the evidence with")
        }
        _ = try make.run()
      }
      commands.append(
        Command(
          "clues, 2 × \(count) samples",
          [workspace.clues, "score"] + clients
            + ["--scorer", "clues", "--quiet", "--force", "-o", "\(workspace.folder)/scores.jsonl"]))
      commands += [workspace.peer("torch, \(count) samples", "reference_scores.py", [clients[0], "arithmetic"])]
        .compactMap { $0 }
      commands += [workspace.peer("torch, none", "reference_scores.py", [clients[0], "nothing"])].compactMap { $0 }
    }
    let series = try Series(commands, runs: workspace.runs)
    report.table(series)
    // What a sample more takes: starting, digests and the optimizer's state are paid once a client.
    let ours = (series.median(3) - series.median(0)) / Double(2 * (many - few))
    let theirs = (series.median(4) - series.median(5)) / Double(many)
    report.note(
      "a sample and checkpoint: clues \(text(1000 * ours, 2)) ms, torch's arithmetic \(text(1000 * theirs, 2)) ms")
    report.figure("scores.torch", theirs / ours, "times faster than the arithmetic in torch, reading included")
  }

  /// Exact gradients, sample by sample, against autograd on PEFT's model, and against hooks that take them out of a batch.
  private static func gradients(
    of count: Int, length: Int, _ workspace: Workspace, _ report: Report
  ) throws {
    let model = try SmallModel(in: "\(workspace.folder)/smollm2-135m-model")
    report.title(
      "Gradients: SmolLM2-135M's shape, float32, r 8 on q and v, \(length) tokens, half of them learned, one thread")
    let samples = try model.samples(count, length: length)
    var commands = [
      workspace.capture("clues, one checkpoint", model, samples, checkpoints: 1),
      workspace.capture("clues, three checkpoints", model, samples, checkpoints: 3),
    ]
    commands += ["nothing", "loop", "hooks"].compactMap { work in
      workspace.peer(
        "torch, \(work)", "gradients.py", [model.base, model.client + "/checkpoint-1", samples, work, "1"])
    }
    let series = try Series(commands, runs: (workspace.runs + 1) / 2)
    report.table(series)
    // What starting and the untuned model's losses take is in both. Processor time, for others may be at work on the machine.
    let ours = series.difference(1, 0).map { $0 / 2 }
    let seconds = median(ours) / Double(count)
    report.note("a sample and checkpoint: clues \(text(1000 * seconds, 1)) ms of the processor")
    report.figure(
      "gradients.rate.\(length)", SmallModel.operations(length: length) / seconds / 1e9,
      "billions of operations a second, of those that no way around saves")
    guard commands.count > 2 else { return }
    for (place, work) in [(3, "loop"), (4, "hooks")] {
      let theirs = series.difference(place, 2)
      report.note("torch, \(work): \(text(1000 * median(theirs) / Double(count), 1)) ms")
      report.figure(
        "gradients.\(work).\(length)", median(zip(ours, theirs).map { $0 / $1 }),
        "processor time to that of torch's \(work)")
    }
  }

  /// What a capture needs besides the weights, and how soon it is at work.
  private static func capture(_ workspace: Workspace, _ report: Report) throws {
    report.title("Capture: the same model, memory with samples of 128 tokens, and the first sample")
    let model = try SmallModel(in: "\(workspace.folder)/smollm2-135m-model")
    let series = try Series(
      [
        workspace.capture("four samples, one thread", model, model.samples(4, length: 128), checkpoints: 1),
        workspace.capture("one of two tokens", model, model.samples(1, length: 2), checkpoints: 1),
        workspace.capture("the same, three checkpoints", model, model.samples(1, length: 2), checkpoints: 3),
        Command("reading the weights", ["/bin/sh", "-c", "cat '\(model.weights)' | cat >/dev/null"]),
      ], runs: workspace.runs)
    report.table(series)
    let size = try FileManager.default.attributesOfItem(atPath: model.weights)[.size] as? Int ?? 0
    report.figure(
      "capture.memory", (series.median(0, \.peak) - Double(size)) / 1e6, "peak memory beyond the weights, in MB")
    // Without what a checkpoint takes, which goes through the weights twice, the untuned model's loss is left.
    let first = zip(series.runs[1], series.difference(2, 1)).map { $0.cpu - $1 / 2 }
    report.figure(
      "capture.first", median(zip(first, series.runs[3]).map { $0 / $1.cpu }),
      "processor time to the first loss, starting included, to that of reading the weights")
  }
}
