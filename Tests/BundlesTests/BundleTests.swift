import Diagnostics
import Digests
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Bundles

@Suite struct BundleTests {
  static let everything = Set(Part.allCases)

  /// Opens `tree` as a folder of that name.
  private func open(
    _ tree: Tree, name: String = "medical", wanting parts: Set<Part> = everything, adapter: String? = nil,
    checkpoint: CheckpointChoice? = nil
  ) throws -> Bundle {
    try withTemporaryFolder { folder in
      let path = try folder.appending(path: name).fill(tree).path
      return try Bundle.open(path, wanting: parts, adapter: adapter, checkpoint: checkpoint)
    }
  }

  /// What a bundle says, in a form that can be compared.
  private func summary(_ bundle: Bundle) throws -> [String] {
    try bundle.files.map { "\($0.path) \($0.size) \($0.isRead ? try $0.bytes().text : "-")" }
      + [bundle.client, bundle.domain ?? "-", "\(bundle.checkpoints.map(\.step))", "\(bundle.adapterStep ?? -1)"]
  }

  // MARK: What a run holds

  @Test func findsEverythingInARun() throws {
    let bundle = try open(run(steps: [30, 5, 100]))
    #expect(bundle.client == "medical")
    #expect(bundle.domain == "medical")
    #expect(bundle.checkpoints.map(\.step) == [5, 30, 100])
    #expect(try bundle.adapter?.weights.bytes().text == "final weights")
    #expect(bundle.adapterStep == nil)
    let last = try #require(bundle.checkpoints.last)
    #expect(last.folder == "checkpoint-100")
    #expect(try last.adapter.config.bytes().text == "{\"step\": 100}")
    #expect(try last.adapter.weights.bytes().text == "weights at 100")
    #expect(try last.optimizer?.bytes().text == "moments at 100")
    #expect(try last.trainerState?.bytes().text == "{\"global_step\": 100}")
    #expect(try last.gradients.train?.bytes().text == "train gradients at 100")
    #expect(try last.gradients.anchor?.bytes().text == "anchor gradients at 100")
    #expect(try last.gradients.validation["medical"]?.bytes().text == "validation gradients at 100")
    #expect(bundle.notes == [])
    #expect(bundle.ignored.map(\.path).contains("training_args.bin"))
  }

  @Test(arguments: TestFormat.allCases)
  func aFolderEqualsItsArchive(_ format: TestFormat) throws {
    try withTemporaryFolder { folder in
      let tree = run(steps: [5, 30, 100])
      let path = folder.appending(path: "medical\(format.ending)").path
      try writeArchive(tree, as: format, to: path)
      let wrapped = folder.appending(path: "wrapped/medical\(format.ending)")
      try folder.fill(["wrapped/x": ""])
      try writeArchive(tree.wrapped(in: "some run"), as: format, to: wrapped.path)
      try folder.appending(path: "outer/medical/inner").fill(tree)
      for parts in Part.allCases.map({ [$0] }) + [Self.everything] {
        let fromFolder = try summary(open(tree, wanting: parts))
        #expect(try summary(Bundle.open(path, wanting: parts)) == fromFolder)
        #expect(try summary(Bundle.open(wrapped.path, wanting: parts)) == fromFolder)
        let around = folder.appending(path: "outer/medical").path
        #expect(try summary(Bundle.open(around, wanting: parts)) == fromFolder)
      }
    }
  }

  @Test func takesARunThatOthersWrote() throws {
    let bundle = try Bundle.open(fixture("tiny/c0"), wanting: Self.everything)
    #expect(bundle.client == "c0")
    #expect(bundle.domain == "c0")
    #expect(bundle.checkpoints.map(\.step) == [4, 8])
    #expect(bundle.adapterStep == 8)
    #expect(
      bundle.checkpoints.allSatisfy { $0.optimizer != nil && $0.gradients.validation.keys.sorted() == ["c0", "c1"] })
    #expect(bundle.notes == ["'init/' holds an adapter that no checkpoint has; it was ignored"])
    let weights = try Data(contentsOf: URL(filePath: fixture("tiny/c0/checkpoint-8/adapter_model.safetensors")))
    #expect(try bundle.adapter?.weights.bytes().array == Array(weights))
  }

  @Test func takesOneCheckpointByItself() throws {
    try withTemporaryFolder { folder in
      let path = try folder.appending(path: "medical").fill(run()).path
      let bundle = try Bundle.open("\(path)/checkpoint-30", wanting: Self.everything)
      #expect(bundle.client == "medical")
      #expect(bundle.checkpoints.map(\.step) == [30])
      #expect(bundle.adapterStep == 30)
      #expect(bundle.checkpoints[0].optimizer?.path == "checkpoint-30/optimizer.pt")
      #expect(bundle.checkpoints[0].optimizer?.name == "\(path)/checkpoint-30/optimizer.pt")
      let archive = folder.appending(path: "x.tar").path
      let tree = run(steps: [30], isFinal: false)
      try writeArchive(tree.filter { $0.key.hasPrefix("checkpoint-30/") }, as: .tar, to: archive)
      #expect(try Bundle.open(archive, wanting: Self.everything).checkpoints.map(\.step) == [30])
    }
  }

  // MARK: Which adapter

  @Test func takesTheLastCheckpointWhereNothingIsFinal() throws {
    let bundle = try open(run(steps: [9, 100, 30], isFinal: false), wanting: [.adapter])
    #expect(bundle.adapterStep == 100)
    #expect(try bundle.adapter?.weights.bytes().text == "weights at 100")
  }

  @Test(arguments: [true, false], [[9, 100, 30], [100, 9], [9, 30, 100]])
  func holdsOneAdapterWhereOneIsWanted(_ isFinal: Bool, _ order: [Int]) throws {
    try withTemporaryFolder { folder in
      for wrapper in ["", "run/"] {
        let tree = run(steps: order, isFinal: isFinal)
        let all = wrapper.isEmpty ? tree : tree.wrapped(in: "run")
        let finals = isFinal ? ["adapter_model.safetensors", "adapter_config.json"] : []
        let path = folder.appending(path: "medical.tar.zst").path
        let folders = order.flatMap { step in tree.keys.filter { $0.hasPrefix("checkpoint-\(step)/") }.sorted() }
        for names in [finals + folders, folders + finals] {
          try writeArchive(all, as: .zstd, to: path, order: names.map { wrapper + $0 })
          let bundle = try Bundle.open(path, wanting: [.adapter])
          #expect(try bundle.adapter?.weights.bytes().text == (isFinal ? "final weights" : "weights at 100"))
          #expect(bundle.files.filter(\.isRead).count == 2)
          #expect(bundle.checkpoints.map(\.step) == order.sorted())
        }
      }
    }
  }

  @Test func letsGoOfEarlierAdaptersOnTheWay() throws {
    var selection = EntrySelection(parts: [.adapter], choice: AdapterChoice(), limits: Limits())
    for step in [3, 7, 5] {
      for name in ["adapter_config.json", "adapter_model.safetensors"] {
        let entry = BundleEntry(path: "run/checkpoint-\(step)/\(name)", size: 1)
        selection.take(entry, try selection.wants(entry) ? .init([1]) : nil)
      }
      #expect(selection.contents.count == 2)
    }
    #expect(selection.contents.keys.allSatisfy { $0.hasPrefix("run/checkpoint-7/") })
    let final = BundleEntry(path: "run/adapter_model.safetensors", size: 1)
    selection.take(final, try selection.wants(final) ? .init([1]) : nil)
    #expect(Array(selection.contents.keys) == [final.path])
  }

  @Test func takesTheStepThatWasChosen() throws {
    let bundle = try open(run(), wanting: [.adapter], checkpoint: .step(15))
    #expect(bundle.adapterStep == 15)
    #expect(try bundle.adapter?.weights.bytes().text == "weights at 15")
    let failure = try failure { try open(run(), wanting: [.adapter], checkpoint: .step(16)) }
    #expect(failure.message == "holds no checkpoint of step 16")
    #expect(failure.advice == "it holds the steps 15, 30")
  }

  @Test func takesTheLastStepInOnePass() throws {
    let bundle = try open(run(), wanting: [.adapter], checkpoint: .last)
    #expect(bundle.adapterStep == 30)
    #expect(try bundle.adapter?.weights.bytes().text == "weights at 30")
    // The adapters of other steps, and the final one, are let go as soon as a later one comes, in whatever order.
    try withTemporaryFolder { folder in
      let tree = run(steps: [15, 30])
      let path = folder.appending(path: "medical.tar.zst").path
      for names in [tree.keys.sorted(), tree.keys.sorted().reversed()] {
        try writeArchive(tree, as: .zstd, to: path, order: names)
        let opened = try Bundle.open(path, wanting: [.adapter], checkpoint: .last)
        #expect(opened.adapterStep == 30)
        #expect(try opened.adapter?.weights.bytes().text == "weights at 30")
        #expect(!opened.checkpoints[0].adapter.weights.isRead)
      }
    }
    let only = try open(
      ["adapter_config.json": "{}", "adapter_model.safetensors": "final"], wanting: [.adapter], checkpoint: .last)
    #expect(only.adapterStep == nil)
    #expect(try only.adapter?.weights.bytes().text == "final")
  }

  @Test(arguments: [true, false])
  func takesAnAdapterWithANameOfItsOwn(_ isFinal: Bool) throws {
    let bundle = try open(run(isFinal: isFinal, adapter: "mine"))
    #expect(bundle.adapter?.name == "mine")
    #expect(try bundle.adapter?.weights.bytes().text == (isFinal ? "final weights" : "weights at 30"))
    #expect(bundle.checkpoints.map(\.adapter.name) == ["mine", "mine"])
    #expect(bundle.checkpoints[0].adapter.config.path == "checkpoint-15/mine/adapter_config.json")
  }

  @Test func asksWhichOfTwoAdaptersIsMeant() throws {
    let both = run().merging(run(adapter: "ref")) { first, _ in first }
    // The one at the root is PEFT's default, and nobody who has it means another one.
    let root = try open(both)
    #expect(root.adapter?.weights.path == "adapter_model.safetensors")
    #expect(root.checkpoints.map(\.adapter.name) == ["default", "default"])
    #expect(
      root.notes == [
        "the adapter at the root is used, not 'ref' below it; to use another one: --adapter ref, or INPUT#ref; "
          + "in a recipe, adapter: ref"
      ])
    #expect(root.ignored.contains { $0.path == "checkpoint-15/ref/adapter_model.safetensors" })
    #expect(try open(both, adapter: "ref").notes == [])
    #expect(try open(both, adapter: "ref").adapter?.weights.path == "ref/adapter_model.safetensors")
    #expect(try open(both, adapter: "default").adapter?.weights.path == "adapter_model.safetensors")
    let unknown = try TestSupport.failure { try open(both, adapter: "reff") }
    #expect(unknown.message == "holds no adapter named 'reff'")
    #expect(unknown.advice == "did you mean 'ref'?")
    let onlyFinal = try TestSupport.failure {
      try open(["a/adapter_config.json": "", "a/adapter_model.safetensors": "", "b/adapter_config.json": ""])
    }
    #expect(onlyFinal.message == "holds 2 adapters: 'a' and 'b'")
    #expect(onlyFinal.advice?.contains("--adapter a") == true)
    // Two in every checkpoint and none at the root.
    let named = try TestSupport.failure {
      try open(run(adapter: "a").merging(run(adapter: "b")) { first, _ in first })
    }
    #expect(named.message == "holds 2 adapters: 'a' and 'b'")
    #expect(named.advice?.contains("--adapter a, or INPUT#a; in a recipe, adapter: a") == true)
  }

  @Test func aNamedAdapterHasCheckpointsOfItsOwn() throws {
    let tree = run(adapter: "mine").merging(run(isFinal: false)) { first, _ in first }
    let bundle = try open(tree)
    #expect(bundle.adapter?.weights.path == "mine/adapter_model.safetensors")
    #expect(bundle.checkpoints.map(\.adapter.name) == ["mine", "mine"])
  }

  @Test func whatCompressionLeftOutIsNoSecondAdapter() throws {
    let merged: Tree = [
      "adapter_config.json": "{}", "adapter_model.safetensors": "merged", "residual/adapter_config.json": "{}",
      "residual/adapter_model.safetensors": "rest", "clues/run.json": "{}",
    ]
    let bundle = try open(merged)
    #expect(try bundle.adapter?.weights.bytes().text == "merged")
    #expect(
      bundle.notes == [
        "'residual/' is what compression left out of this merge: not a second adapter, and not read"
      ])
    #expect(try open(merged, adapter: "residual").adapter?.weights.bytes().text == "rest")
    // Without the record of a run it is an adapter that somebody called that.
    #expect(try open(merged.without("clues/run.json")).notes.first?.contains("--adapter residual") == true)
  }

  @Test func anAdapterThatCheckpointsLackIsTakenWhenItIsAskedFor() throws {
    let tree = run().merging([
      "initial/adapter_config.json": "{}", "initial/adapter_model.safetensors": "initial weights",
    ]) { first, _ in first }
    #expect(try open(tree, wanting: [.adapter]).adapter?.name == "default")
    #expect(try open(tree, wanting: [.adapter], adapter: "initial").adapter?.name == "initial")
  }

  @Test func findsANamedAdapterThatOnlyCheckpointsHave() throws {
    let tree = run(isFinal: true).merging(run(isFinal: false, adapter: "ref")) { first, _ in first }
    #expect(try open(tree, adapter: "ref").adapter?.weights.path == "checkpoint-30/ref/adapter_model.safetensors")
  }

  // MARK: What is refused

  @Test func refusesWhatIsNotThere() throws {
    let config = "adapter_config.json"
    let weights = "adapter_model.safetensors"
    let cases: [(Tree, String)] = [
      ([config: "{}"], "has 'adapter_config.json' but no 'adapter_model.safetensors'"),
      ([weights: "w"], "has adapter weights but no 'adapter_config.json'"),
      (["a/\(weights)": "w", "README.md": ""], "has adapter weights in 'a/' but no 'a/adapter_config.json'"),
      (
        [config: "{}", "adapter_model.bin": "p"],
        "has its weights in 'adapter_model.bin', a pickle, which can run code and is never opened"
      ),
      (
        [config: "{}", "adapter_model.safetensors.index.json": "{}", "adapter_model-00001-of-00002.safetensors": "w"],
        "has its weights in several files ('adapter_model-00001-of-00002.safetensors')"
      ),
      (
        ["README.md": "#"],
        "holds no LoRA adapter: no adapter_config.json with adapter_model.safetensors, and no checkpoint-N"
      ),
      (
        ["runs/medical/\(config)": "{}", "runs/medical/\(weights)": "w", "notes.txt": ""],
        "holds no adapter at its root, but 'runs/medical/adapter_config.json' deeper inside"
      ),
      (run().without("checkpoint-15/\(weights)"), "has 'adapter_config.json' but no 'adapter_model.safetensors'"),
      (
        run().without("checkpoint-15/\(weights)").without("checkpoint-15/\(config)"),
        "holds no LoRA adapter: adapter_config.json and adapter_model.safetensors are missing"
      ),
      (
        run().merging(run(steps: [7, 07]).mapKeys { $0.replacing("checkpoint-7/", with: "checkpoint-015/") }) { a, _ in
          a
        },
        "holds step 15 twice, as 'checkpoint-015' and 'checkpoint-15'"
      ),
      (run().merging(["optimizer.pt": "m"]) { a, _ in a }, "is at the root, so its step is unknown"),
    ]
    for (tree, message) in cases {
      let failure = try failure { try open(tree) }
      #expect(failure.message == message)
      #expect(failure.kind == .badData)
      #expect(failure.advice != nil)
      #expect(failure.file?.contains("/medical") == true)
    }
  }

  @Test func aBrokenCheckpointMattersOnlyToWhoWantsIt() throws {
    let tree = run().without("checkpoint-15/adapter_model.safetensors")
    let bundle = try open(tree, wanting: [.adapter])
    #expect(bundle.checkpoints.map(\.step) == [30])
    #expect(
      bundle.notes == [
        "'checkpoint-15' was ignored: it has 'adapter_config.json' but no 'adapter_model.safetensors'"
      ])
    let failure = try failure { try open(tree, wanting: [.trainerStates]) }
    #expect(failure.file?.hasSuffix("medical/checkpoint-15") == true)
    let last = run(isFinal: false).without("checkpoint-30/adapter_model.safetensors")
    expectFailure(.badData, "has 'adapter_config.json' but no 'adapter_model.safetensors'") {
      try open(last, wanting: [.adapter])
    }
  }

  @Test func namesOptimizersInOtherLayouts() throws {
    var tree = run(steps: [30])
    tree["checkpoint-30/global_step30/mp_rank_00_model_states.pt"] = "x"
    tree["checkpoint-30/optimizer_0/__0_0.distcp"] = "x"
    tree["checkpoint-30/optimizer.bin"] = "x"
    #expect(try open(tree).checkpoints[0].otherOptimizers == ["global_step30/", "optimizer.bin", "optimizer_0/"])
  }

  @Test func refusesASingleFile() throws {
    let failure = try failure {
      try Bundle.open(fixture("tiny/c0/checkpoint-8/adapter_model.safetensors"), wanting: [.adapter])
    }
    #expect(failure.message == "is a single file, not a bundle")
    #expect(try TestSupport.failure { try Bundle.open("/nowhere/at/all", wanting: []) }.kind == .missingInput)
  }

  @Test func limitsJSON() throws {
    try withTemporaryFolder { folder in
      var limits = Limits()
      limits[.jsonSize] = 10
      let path = try folder.fill(run()).path
      let failure = try failure { try Bundle.open(path, wanting: [.trainerStates], limits: limits) }
      #expect(failure.message == "has 19 bytes, more than the limit of 10 for JSON")
      #expect(failure.file?.hasSuffix("checkpoint-15/trainer_state.json") == true)
    }
  }

  @Test func saysWhatWasNotRead() throws {
    let bundle = try open(run(), wanting: [.adapter])
    let failure = try failure { try bundle.checkpoints[0].optimizer!.bytes() }
    #expect(failure.message == "was not read")
    #expect(failure.advice == "open the bundle asking for its part 'optimizer'")
  }

  // MARK: Names and domains

  @Test(arguments: [
    ("medical.tar.zst", "medical"), ("medical.TGZ", "medical"), ("medical.v2.tar", "medical.v2"), ("a.tar.bz2", "a"),
    ("noending", "noending"),
  ])
  func takesTheNameFromTheArchive(_ file: String, _ client: String) throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: file).path
      try writeArchive(run(), as: .tar, to: path)
      let bundle = try Bundle.open(path, wanting: [.adapter])
      #expect(bundle.client == client)
      #expect(bundle.adapter?.weights.name == "\(path): adapter_model.safetensors")
    }
  }

  @Test func refusesNamesThatCannotBeUsed() throws {
    for name in ["", " ", "a/b", "..", "a\\b", String(repeating: "n", count: 129), "a\u{7}"] {
      var tree = run()
      tree["clues.json"] = "{\"format\": 1, \"client\": \(quoted(name))}"
      #expect(try failure { try open(tree) }.message.hasPrefix("gives the client a name that"))
    }
    #expect(try failure { try open(run(), name: String(repeating: "n", count: 129)) }.message.contains("129 bytes"))
  }

  @Test func knowsTheDomain() throws {
    func samples(_ domains: String...) -> String {
      domains.enumerated().map { "{\"id\": \"\($0)\", \"split\": \"train\", \"domain\": \"\($1)\"}\n" }.joined()
        + "{\"id\": \"v\", \"split\": \"validation\", \"domain\": \"other\"}\n"
    }
    #expect(try open(run(), name: "medical").domain == "medical")
    #expect(try open(run(), name: "hospital").domain == nil)
    var tree = run()
    tree["samples.jsonl"] = samples("law", "law")
    #expect(try open(tree).domain == "law")
    #expect(try open(tree, wanting: [.adapter]).domain == nil)
    tree["samples.jsonl"] = samples("law", "medical")
    let mixed = try open(tree)
    #expect(mixed.domain == nil)
    #expect(mixed.notes == ["its training samples are of 2 domains ('law', 'medical'), so it has none of its own"])
    tree["clues.json"] = "{\"format\": 1, \"client\": \"a\", \"domain\": \"finance\"}"
    #expect(try open(tree).domain == "finance")
    #expect(try open(tree).client == "a")
    tree["samples.jsonl"] = "{\"id\": 1, \"split\": \"train\"}\n\n{\"id\": 2}\n"
    let failure = try failure { try open(tree) }
    #expect(failure.message == "this line has no \"split\"")
    #expect(failure.position == .init(line: 3, column: 1))
  }

  // MARK: The manifest

  @Test func verifiesWhatTheManifestPromises() throws {
    func fingerprint(_ text: String) -> String {
      "{\"bytes\": \(text.utf8.count), \"sha256\": \"\(sha256(of: text))\"}"
    }
    func tree(_ files: String, samples: String = "{}") -> Tree {
      run(steps: [], isFinal: true).merging([
        "samples.jsonl": "{\"split\": \"train\"}\n",
        "clues.json": "{\"format\": 1, \"samples\": \(samples), \"files\": {\(files)}}",
      ]) { $1 }
    }
    let config = "\"adapter_config.json\": \(fingerprint("{}"))"
    let weights = "\"adapter_model.safetensors\": \(fingerprint("final weights"))"
    let samples = "\"samples.jsonl\": \(fingerprint("{\"split\": \"train\"}\n"))"
    let whole = "\(config), \(weights), \(samples)"
    #expect(try open(tree(whole, samples: "{\"train\": 1}")).manifest?.files?.count == 3)
    #expect(try open(tree(whole), wanting: [.adapter]).client == "medical")
    let cases = [
      (tree("\(whole), \"ledger.jsonl\": \(fingerprint(""))"), "lacks 'ledger.jsonl', which clues.json lists"),
      (
        tree("\(config), \"adapter_model.safetensors\": \(fingerprint("final weight")), \(samples)"),
        "has 'adapter_model.safetensors' with 13 bytes, but clues.json says 12"
      ),
      (
        tree("\(config), \"adapter_model.safetensors\": \(fingerprint("Final weights")), \(samples)"),
        "does not match the SHA-256 in clues.json"
      ),
      (tree("\(config), \(weights)"), "is not listed in clues.json, although that lists files"),
      (
        tree(whole, samples: "{\"train\": 2}"),
        "has 1 samples of the split 'train', but clues.json says 2"
      ),
      (tree("\"a\": 1"), "'files.a' is a number, not an object"),
      (tree("", samples: "[]"), "'samples' is a list, not an object"),
      (
        run().merging(["clues.json": "{\"format\": 2}"]) { $1 }, "has the format version 2, and only 1 can be read here"
      ),
      (run().merging(["clues.json": "[]"]) { $1 }, "is not a JSON object"),
    ]
    for (tree, message) in cases { #expect(try failure { try open(tree) }.message == message) }
  }

  /// Without `samples.jsonl` the ledger is all that can contradict them.
  @Test func comparesTheManifestsCountsWithTheLedger() throws {
    let row = { (id: String, split: String) in
      "{\"checkpoint\": 1, \"split\": \"\(split)\", \"id\": \"\(id)\", \"loss\": 1.5}\n"
    }
    var tree = run()
    tree["ledger.jsonl"] = row("a", "train") + row("b", "train") + row("c", "anchor")
    for (counts, message) in [
      (#"{"train": 2, "anchor": 1}"#, nil), (#"{"train": 2}"#, nil),
      (#"{"train": 200}"#, "has 2 samples of the split 'train', but clues.json says 200"),
      (#"{"validation": 4}"#, "has 0 samples of the split 'validation', but clues.json says 4"),
    ] {
      tree["clues.json"] = "{\"format\": 1, \"samples\": \(counts)}"
      tree["samples.jsonl"] = nil
      try withTemporaryFolder { folder in
        let bundle = try Bundle.open(folder.appending(path: "medical").fill(tree).path, wanting: Self.everything)
        guard let message else {
          #expect(try bundle.readLedger()?.counts == ["train": 2, "anchor": 1])
          return
        }
        let failure = try failure { try bundle.readLedger() }
        #expect(failure.message == message && failure.file?.hasSuffix("ledger.jsonl") == true)
      }
    }
  }

  // MARK: Digests

  @Test func theDigestIsThatOfWhatWasGiven() throws {
    try withTemporaryFolder { folder in
      let path = try folder.file("x.tar", HandmadeTar.file("ledger.jsonl"))
      let expected = try output("sha256sum", [path]).prefix(64)
      #expect(try Bundle.open(path, wanting: []).digest() == expected)
    }
    let tree = run()
    let digest = try withTemporaryFolder { try Bundle.open($0.fill(tree).path, wanting: []).digest() }
    #expect(
      try withTemporaryFolder { try Bundle.open($0.fill(tree).path, wanting: Self.everything).digest() } == digest)
    var other = tree
    // What may be larger than memory plays no part.
    other["checkpoint-15/optimizer.pt"] = "moments at 16"
    #expect(try withTemporaryFolder { try Bundle.open($0.fill(other).path, wanting: []).digest() } == digest)
    other["checkpoint-15/adapter_model.safetensors"] = "other weights"
    #expect(try withTemporaryFolder { try Bundle.open($0.fill(other).path, wanting: []).digest() } != digest)
    other = tree.merging(["README.md": "nothing that matters"]) { $1 }
    #expect(try withTemporaryFolder { try Bundle.open($0.fill(other).path, wanting: []).digest() } == digest)
  }
}

extension Tree {
  fileprivate func mapKeys(_ change: (String) -> String) -> Tree {
    Tree(uniqueKeysWithValues: map { (change($0.key), $0.value) })
  }
}

/// `text` as a JSON text.
private func quoted(_ text: String) -> String {
  let data = try? JSONEncoder().encode(text)
  return String(decoding: data ?? Data(), as: UTF8.self)
}
