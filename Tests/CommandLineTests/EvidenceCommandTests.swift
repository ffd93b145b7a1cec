import Foundation
import JSON
import TestSupport
import Testing

/// What leaves a machine, and what others can make of it.
@Suite struct EvidenceCommandTests {
  private func json(_ text: String) throws -> JSONObject { try #require(try JSONReader().read(text).objectValue) }

  @Test func `gradients and moments stay unless they are asked for`() throws {
    try withTemporaryFolder { folder in
      let source = fixture("tiny/c0")
      let quiet = try clues(["pack", source, "-o", "c0.tar"], in: folder)
      #expect(quiet.status == 0, "\(quiet.errors)")
      #expect(quiet.output.contains("which leaves this machine"))
      #expect(quiet.output.contains("stays here unless --with gradients"))
      #expect(quiet.output.contains("stays here unless --with optimizer"))
      #expect(quiet.errors.contains("the bundle cannot be scored: gradients and optimizer stay here"))
      let list = try json(clues(["pack", source, "-o", "c0.zip", "--json"], in: folder).output)
      let packed = list["packed"]?.arrayValue?.compactMap(\.objectValue) ?? []
      #expect(!packed.isEmpty && !packed.contains { ["gradients", "optimizer"].contains($0["kind"]?.stringValue) })
      let kinds = list["kinds"]?.arrayValue?.compactMap(\.objectValue) ?? []
      #expect(kinds.first?["kind"] == "manifest" && kinds.first?["files"] == 1)
      let bytes = packed.compactMap { $0["bytes"]?.intValue }.reduce(0, +)
      #expect(kinds.compactMap { $0["bytes"]?.intValue }.reduce(0, +) == bytes)
      #expect(kinds.compactMap { $0["files"]?.intValue }.reduce(0, +) == packed.count)
      let all = try json(
        clues(["pack", source, "-o", "all.tar", "--with", "gradients,optimizer", "--json"], in: folder).output)
      let names = all["kinds"]?.arrayValue?.compactMap { $0.objectValue?["kind"]?.stringValue } ?? []
      #expect(Set(names).isSuperset(of: ["gradients", "optimizer", "adapters of checkpoints"]), "\(names)")
      #expect(try clues(["score", "all.tar", "--scorer", "clues"], in: folder).status == 0)
      #expect(try clues(["score", "c0.tar", "--scorer", "clues"], in: folder).status == 65)
    }
  }

  @Test(arguments: [
    (["--with", "gradient"], "--with: there is no part 'gradient'"),
    (["--with", "ledger"], "'ledger' is packed anyway"),
    (
      ["--with", "optimizer", "--without", "optimizer"],
      "'optimizer' is asked for with --with and left out with --without"
    ),
  ]) func `options of packing that make no sense are refused`(_ options: [String], _ message: String) throws {
    try withTemporaryFolder { folder in
      let result = try clues(["pack", fixture("tiny/c0"), "-o", "c0.tar"] + options, in: folder)
      #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
    }
  }

  private static let bundles = [
    "checkpoints/medical.tar.zst", "checkpoints/financial.tar.gz", "checkpoints/multilingual.zip",
  ]

  @Test func `an operator pools scores that the clients made`() throws {
    try withWorkingCopy { folder in
      let chain = ["--recipe", "recipes/clues-calibrated.yaml"]
      func text(_ path: String) throws -> String {
        try String(contentsOf: folder.appending(path: path), encoding: .utf8)
      }
      #expect(try clues(["score"] + Self.bundles + chain + ["-o", "all.jsonl"], in: folder).status == 0)
      let one = try clues(["select", "all.jsonl", "--threshold", "anchor-sigma", "-o", "one"], in: folder)
      #expect(one.status == 0 && one.output.contains("moves threshold"), "\(one.errors)")
      var files: [String] = []
      var anchors: [String] = []
      for (index, bundle) in Self.bundles.enumerated() {
        files.append("c\(index).jsonl")
        anchors.append("a\(index).jsonl")
        #expect(try clues(["score", bundle] + chain + ["-o", files[index]], in: folder).status == 0)
        #expect(
          try clues(["score", bundle, "--anchors-only"] + chain + ["-o", anchors[index]], in: folder).status == 0)
      }
      let pooled = try clues(["select"] + files + ["--threshold", "anchor-sigma", "-o", "pooled"], in: folder)
      #expect(pooled.status == 0, "\(pooled.errors)")
      #expect(pooled.output == one.output.replacing("one/clues", with: "pooled/clues"))
      for name in ["threshold.json", "scores.jsonl", "scores.origin.json", "selected/multilingual.txt"] {
        #expect(try text("one/clues/" + name) == text("pooled/clues/" + name), "\(name)")
      }
      #expect(
        try clues(["select"] + anchors + ["--threshold", "anchor-sigma", "-o", "anchors"], in: folder).status == 0)
      #expect(try text("anchors/clues/threshold.json") == text("one/clues/threshold.json"))
      #expect(
        try clues(["select", files[1], "--with", "anchors/clues/threshold.json", "-o", "mine"], in: folder).status == 0)
      #expect(try text("mine/clues/selected/financial.txt") == text("one/clues/selected/financial.txt"))
      let twice = try clues(["select", files[0], files[1], files[0]], in: folder)
      #expect(twice.status == 65 && twice.errors.contains("client 'medical'"), "\(twice.errors)")
    }
  }

  /// A client's ledger with `change` made to its lines.
  private func writeLedger(of client: String, in folder: URL, _ change: (Int, String) -> String) throws {
    let packed = try clues(["pack", "checkpoints/\(client).tar.zst", "-o", "\(client).tar"], in: folder)
    #expect(packed.status == 0, "\(packed.errors)")
    let home = folder.appending(path: client)
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
    #expect(
      try clues(["-xf", "\(client).tar", "-C", home.path], in: folder, executable: "/bin/tar").status == 0)
    try FileManager.default.removeItem(at: home.appending(path: "clues.json"))
    let ledger = home.appending(path: "ledger.jsonl")
    let lines = try String(contentsOf: ledger, encoding: .utf8).split(separator: "\n")
    try lines.enumerated().map { change($0, String($1)) }.joined(separator: "\n").write(
      to: ledger, atomically: true, encoding: .utf8)
  }

  private static let recipe = """
    clients: [medical, checkpoints/financial.tar.gz]
    score: {scorer: clues, parameters: {preset: calibrated}}
    select: {threshold: anchor-sigma}
    weights: kept-share
    merge: {method: average}
    """

  /// Ten anchors of one client would switch the selection off for everybody.
  @Test(arguments: ["1e300", "1e30", "1e20", "-3.4e38", "1e10"])
  func `huge anchors are refused by client, sample and column`(_ value: String) throws {
    try withWorkingCopy { folder in
      try writeLedger(of: "medical", in: folder) { _, line in
        line.contains("\"anchor\"")
          ? line.replacing(/"adam_dot": \{"medical": [^,]*/, with: "\"adam_dot\": {\"medical\": \(value)") : line
      }
      try Self.recipe.write(to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      let result = try clues(["run", "r.yaml", "--output", "out"], in: folder)
      #expect(result.status == 65, "\(result.output)")
      #expect(result.errors.contains("client 'medical'") && result.errors.contains("as 'adam_dot.medical'"))
      #expect(result.errors.contains("anchor sample 'medical-anchor-0'"), "\(result.errors)")
      #expect(result.errors.contains("ledger.jsonl:"))
    }
  }

  /// Within every range, but far from what the others' anchors say.
  @Test func `anchors that move everybody's threshold are told`() throws {
    try withWorkingCopy { folder in
      try writeLedger(of: "medical", in: folder) { _, line in
        line.contains("\"anchor\"") ? line.replacing(/"tokens": [0-9]+/, with: "\"tokens\": 90000") : line
      }
      try Self.recipe.write(to: folder.appending(path: "r.yaml"), atomically: true, encoding: .utf8)
      let result = try clues(["run", "r.yaml", "--output", "out"], in: folder)
      #expect(
        result.errors.contains("warning: the anchors of client 'medical' move the threshold by"), "\(result.errors)")
      if result.status == 0 {
        let record = try json(String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8))
        let clients = record["selection"]?.objectValue?["clients"]?.arrayValue?.compactMap(\.objectValue) ?? []
        let influence = clients.first { $0["client"] == "medical" }?["influence"]?.objectValue
        #expect(abs(influence?["deviations"]?.doubleValue ?? 0) > 1)
      }
    }
  }

  @Test func `scores are evaluated in one file or one per client`() throws {
    try withWorkingCopy { folder in
      let chain = ["--recipe", "recipes/clues-calibrated.yaml"]
      let labels = ["--labels", "checkpoints/labels.jsonl"]
      #expect(try clues(["score"] + Self.bundles + chain + ["-o", "all.jsonl"], in: folder).status == 0)
      let files = ["medical.jsonl", "financial.jsonl", "multilingual.jsonl"]
      for (bundle, file) in zip(Self.bundles, files) {
        #expect(try clues(["score", bundle] + chain + ["-o", file], in: folder).status == 0)
      }
      let together = try clues(["evaluate", "all.jsonl", "--json"] + labels, in: folder)
      let apart = try clues(["evaluate"] + files + ["--json"] + labels, in: folder)
      #expect(apart.status == 0 && !apart.errors.contains("left out"), "\(apart.errors)")
      let figures = try [together, apart].map { try #require(json($0.output)["all"]?.objectValue) }
      #expect(figures[0]["good"] == figures[1]["good"] && figures[0]["bad"] == figures[1]["bad"])
      #expect(figures[0]["auroc"] == figures[1]["auroc"])
      let one = try clues(["evaluate", files[0]] + labels, in: folder)
      #expect(one.status == 0)
      #expect(one.errors.contains("the labels of client 'financial' and 1 more are left out"), "\(one.errors)")
      let twice = try clues(["evaluate", files[0], files[0]] + labels, in: folder)
      #expect(twice.status == 65 && twice.errors.contains("has scores of a client that is also in"))
    }
  }

  @Test(arguments: [
    ("", "has no labels"), ("\n", "has no labels"),
    (#"{"client": "medical", "id": "medical-0"}"#, "this line has no boolean 'clean'"),
    (#"{"client": "medical", "clean": true}"#, "has no 'id'"),
    (#"{"client": 3, "id": "a", "clean": true}"#, "this line has a 'client' that is not a string"),
    (#"{"client": "other", "id": "a", "clean": true}"#, "has no labels for the scored samples"),
  ]) func `what are no labels is refused, with the way out`(_ labels: String, _ message: String) throws {
    try withWorkingCopy { folder in
      let score = ["score", "checkpoints/medical.tar.zst", "--scorer", "perplexity", "-o", "scores.jsonl"]
      #expect(try clues(score, in: folder).status == 0)
      try labels.write(to: folder.appending(path: "labels.jsonl"), atomically: true, encoding: .utf8)
      let result = try clues(["evaluate", "scores.jsonl", "--labels", "labels.jsonl"], in: folder)
      #expect(result.status == 65 && result.errors.contains("labels.jsonl"), "\(result.errors)")
      #expect(result.errors.contains(message) && result.errors.contains("help:"), "\(result.errors)")
    }
  }
}
