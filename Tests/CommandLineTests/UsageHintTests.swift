import Foundation
import PluginHost
import TestSupport
import Testing

/// What PEFT and mergekit users type, and what they are told.
@Suite struct UsageHintTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let line: String
    let help: String
    var testDescription: String { line }

    init(_ line: String, _ help: String) { (self.line, self.help) = (line, help) }
  }

  static let options = [
    Case("merge a b --methd ties -o x", "did you mean '--method' instead of '--methd'?"),
    Case(
      "merge a b --method ties --density 0.5 -o x",
      "--density: parameters of a plugin are set with -p, as in -p density=…"),
    Case("merge a b --method ties -d 0.5 -o x", "-d: parameters of a plugin are set with -p, as in -p density=…"),
    Case(
      "merge a b --method ties --lambda=2 -o x", "--lambda: parameters of a plugin are set with -p, as in -p lambda=…"),
    Case("merge a b --method ties --weights 0.5 -o x", "--weights: give --weight once for each input, in order"),
    Case("merge a b --combination_type ties -o x", "--combination_type: the merge method is --method"),
    Case("merge a b --method ties --svd-rank 8 -o x", "--svd-rank: the rank of the result is --rank"),
    Case("merge a b --method ties --svd_rank 8 -o x", "--svd_rank: the rank of the result is --rank"),
    Case("merge a b --method ties --bf16 -o x", "--bf16: the type of the result is --dtype bfloat16"),
    Case(
      "merge a b --method ties --majority-sign-method frequency -o x",
      "--majority-sign-method: write -p elect=frequency or -p elect=total"),
    Case("merge --adapters a b --method ties -o x", "--adapters: give inputs without an option"),
    Case("merge a b --method ties --out x", "--out: the output is --output"),
    Case("merge a b --method ties -o x --cuda", "--cuda: there is no such option; omit it"),
    Case("merge a b --method ties --base_model m -o x", "did you mean '--base-model' instead of '--base_model'?"),
    Case("mrge a b --method ties -o x", "did you mean 'merge' instead of 'mrge'?"),
    Case("plugin list", "did you mean 'plugins' instead of 'plugin'?"),
    Case("plugins lst", "did you mean 'list' instead of 'lst'?"),
    Case("run r.yaml --density 0.5", "--density: write --set merge.parameters.density=…"),
    Case("run r.yaml --rank 8", "--rank: write --set merge.rank=…"),
    Case("run r.yaml --lazy-unpickle", "--lazy-unpickle: there is no such option; omit it"),
    Case(
      "score a --scorer less --projection 64",
      "--projection: parameters of a plugin are set with -p, as in -p projection=…"),
    Case(
      "select s.jsonl --threshold fixed --value 1", "--value: parameters of a plugin are set with -p, as in -p value=…"),
  ]

  @Test(arguments: options) func `an option that is not there leads to the one that is meant`(_ test: Case) throws {
    try withTemporaryFolder { folder in
      let result = try clues(test.line.split(separator: " ").map(String.init), in: folder)
      #expect(result.status == 64)
      let lines = result.errors.split(separator: "\n").map(String.init)
      #expect(lines.first?.hasPrefix("error: ") == true, "\(result.errors)")
      #expect(lines.contains("  help: " + test.help), "\(result.errors)")
    }
  }

  @Test(arguments: ["merge a b --method ties --weight -0.5 --weight x -o y", "merge a b -o y", "merge a b -qo y"])
  func `a line whose options are all known gets no hint`(_ line: String) throws {
    try withTemporaryFolder { folder in
      let result = try clues(line.split(separator: " ").map(String.init), in: folder)
      #expect(result.status == 64)
      #expect(!result.errors.contains("help:"), "\(result.errors)")
    }
  }

  static let methods = [
    Case("linear", "PEFT's 'linear' is 'task-arithmetic'"), Case("svd", "'task-arithmetic' with a rank"),
    Case("cat", "'task-arithmetic' in the space 'stack' with the rank 'full'"),
    Case("dare", "there are 'dare-linear' and 'dare-ties'"),
    Case("ties_svd", "'ties' in the space 'delta', with a rank"),
    Case("dare_ties_svd", "'dare-ties' in the space 'delta', with a rank"),
    Case("dare_linear_svd", "'dare-linear' in the space 'delta', with a rank"),
    Case("magnitude_prune_svd", "'magnitude-prune' in the space 'delta', with a rank"),
    Case("magnitude_prune", "did you mean 'magnitude-prune'?"), Case("dare_ties", "'dare-ties' here"),
    Case("task_arithmetic", "'task-arithmetic' here"), Case("nuslerp", "'slerp' here"),
    Case("passthrough", "use the adapter as it is"), Case("fedavg", "'average'"), Case("TIES", "did you mean 'ties'?"),
  ]

  @Test(arguments: methods) func `a method of another program leads to ours`(_ test: Case) throws {
    try withTemporaryFolder { folder in
      let result = try clues(["merge", "a", "b", "--method", test.line, "-o", "x"], in: folder)
      #expect(result.status == 69)
      let help = result.errors.split(separator: "\n").first { $0.hasPrefix("  help: ") }
      #expect(help?.contains(test.help) == true, "\(result.errors)")
    }
  }

  @Test(arguments: ["bf16", "fp16", "half", "fp32", "torch.bfloat16"])
  func `a type by another name leads to ours`(_ name: String) throws {
    let ours = ["bf16": "bfloat16", "torch.bfloat16": "bfloat16", "fp32": "float32"][name] ?? "float16"
    try withTemporaryFolder { folder in
      let merge = try clues(["merge", "a", "b", "--method", "ties", "--dtype", name, "-o", "x"], in: folder)
      #expect(merge.status == 78)
      #expect(merge.errors.contains("  help: did you mean '\(ours)'?"), "\(merge.errors)")
      let pack = try clues(["pack", fixture("tiny/c0"), "--dtype", name, "-o", "x.zip"], in: folder)
      #expect(pack.status == 64)
      #expect(pack.errors.contains("  help: did you mean '\(ours)'?"), "\(pack.errors)")
    }
  }

  @Test func `a setting of PEFT that is no parameter leads to its place`() throws {
    try withTemporaryFolder { folder in
      let result = try clues(
        ["merge", "a", "b", "--method", "ties", "-p", "majority_sign_method=frequency", "-o", "x"], in: folder)
      #expect(result.errors.contains("help: did you mean the parameter 'elect'?"), "\(result.errors)")
    }
  }

  @Test func `formulas stand on lines of their own that fit the page`() throws {
    for plugin in try builtInCatalog().libraries.flatMap(\.file.entries) {
      let shown = try clues(["plugins", "show", plugin.id]).output.split(separator: "\n").map(String.init)
      for line in plugin.details.split(separator: "\n") where line.hasPrefix("    ") {
        #expect(shown.contains(String(line)), "\(plugin.id): \(line)")
        #expect(line.count <= 80, "\(plugin.id): \(line)")
      }
    }
  }

  @Test func `the inputs of score have names as those of merge`() throws {
    try withTemporaryFolder { folder in
      let bundles = ["medical.tar.zst", "financial.tar.gz"].map { repository.appending(path: "checkpoints/\($0)").path }
      let named = try clues(
        ["score"] + bundles + ["--client", "m", "--client", "f", "--scorer", "perplexity", "-q"], in: folder)
      #expect(named.status == 0, "\(named.errors)")
      #expect(named.output.contains("\"client\":\"m\"") && named.output.contains("\"client\":\"f\""))
      let recipe = repository.appending(path: "recipes/clues-calibrated.yaml").path
      let withRecipe = try clues(
        ["score"] + bundles + ["--client", "m", "--client", "f", "--recipe", recipe, "-q"], in: folder)
      #expect(withRecipe.status == 0, "\(withRecipe.errors)")
      #expect(withRecipe.output.contains("\"client\":\"m\"") && !withRecipe.output.contains("\"client\":\"medical\""))
      for wrong in [bundles + ["--client", "m", "--scorer", "perplexity"], ["--client", "m", "--recipe", recipe]] {
        #expect(try clues(["score"] + wrong, in: folder).status == 64)
      }
    }
  }

  @Test func `select does as the recipe says`() throws {
    try withTemporaryFolder { folder in
      let recipe = repository.appending(path: "recipes/clues-calibrated.yaml").path
      let bundle = repository.appending(path: "checkpoints/financial.tar.gz").path
      let scored = try clues(["score", bundle, "--recipe", recipe, "-o", "s.jsonl", "-q"], in: folder)
      #expect(scored.status == 0, "\(scored.errors)")
      let by = try clues(["select", "s.jsonl", "--recipe", recipe, "--json"], in: folder)
      // The rule says how much it takes to be good, and the selection how sure it is; the recipe agrees with the scores.
      #expect(by.status == 0 && !by.errors.contains("the recipe"), "\(by.errors)")
      let written = try clues(["select", "s.jsonl", "--threshold", "anchor-mixture", "--json"], in: folder)
      #expect(by.output == written.output)
      // Scores by other scorers than the recipe's are pointed out.
      let paper = repository.appending(path: "recipes/clues.yaml").path
      let other = try clues(["select", "s.jsonl", "--recipe", paper, "--json"], in: folder)
      #expect(
        other.errors.contains(
          "warning: these scores are by contribution, direction, ifd, pmi and perplexity, but the recipe scores by clues"
        ))
      let text = try String(contentsOfFile: recipe, encoding: .utf8)
      try text.replacing("combine: shortfall", with: "combine: sum").replacing("side: both", with: "weight: 1")
        .replacing(
          "../checkpoints", with: repository.path + "/checkpoints"
        ).write(to: folder.appending(path: "sum.yaml"), atomically: true, encoding: .utf8)
      let sum = try clues(["select", "s.jsonl", "--recipe", "sum.yaml", "--json"], in: folder)
      #expect(
        sum.errors.contains("these scores are combined by 'shortfall', but the recipe combines by 'sum'"),
        "\(sum.errors)"
      )
      let merging = repository.appending(path: "recipes/average.yaml").path
      let none = try clues(["select", "s.jsonl", "--recipe", merging], in: folder)
      #expect(none.status == 78 && none.errors.contains("the recipe selects nothing"))
      #expect(try clues(["select", "s.jsonl", "--recipe", recipe, "--calibrate"], in: folder).status == 64)
    }
  }
}
