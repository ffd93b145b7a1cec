import Adapters
import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

/// Adapters whose two files are right by themselves.
@Suite struct AdapterAttackTests {
  /// An adapter of rank 1 with these modules and this in its config.
  static func read(modules: [String], config: String) throws {
    let one = Tensor([1], shape: [1, 1])
    let tensors = modules.flatMap { [("\($0).lora_A.weight", one), ("\($0).lora_B.weight", one)] }
    _ = try Adapter(
      config: Bytes(Array(#"{"peft_type": "LORA", "r": 1, \#(config)}"#.utf8)), configFile: "adapter_config.json",
      weights: Bytes(safetensors(Dictionary(uniqueKeysWithValues: tensors))),
      weightsFile: "adapter_model.safetensors")
  }

  static func patterns(_ patterns: [String]) -> String {
    #""rank_pattern": {"# + patterns.map { "\"\($0)\": 1" }.joined(separator: ", ") + "}"
  }

  static let attacks: [Attack] = [
    // Each plus stands for its part twice: two to the power of thirty states.
    Attack("plus in plus in plus", "is too large") {
      "(" + String(repeating: "(", count: 28) + "a" + String(repeating: ")+", count: 28) + ")"
    },
    Attack("counted in counted", "is too large") { "((((a{1000}){1000}){1000}){1000})" },
    Attack("class of ten thousand", "is too large") { "[" + (0..<10_000).map { _ in "a" }.joined() + "]" },
    Attack("a hundred groups", "is nested too deeply") {
      String(repeating: "(", count: 100) + "a" + String(repeating: ")", count: 100)
    },
    Attack("a megabyte", "a pattern of 1048576 bytes is too large") { String(repeating: "a", count: 1 << 20) },
    Attack("look-ahead", "uses an unsupported kind of group") { "(?=a)a" },
    Attack("back reference", "uses the escape") { #"(a)\\1"# },
    Attack("possessive repetition", "uses lazy or possessive repetition") { "a++" },
  ]

  @Test(arguments: attacks) func aPatternIsRefused(_ attack: Attack) throws {
    try attack.expectRefusal {
      try Self.read(modules: ["a"], config: Self.patterns([String(decoding: $0, as: UTF8.self)]))
    }
  }

  /// The pattern that brings backtracking matchers to their knees.
  @Test func catastrophicPatternsRunInLinearTime() throws {
    let module = String(repeating: "a", count: 2000) + "!"
    let clock = ContinuousClock()
    #expect(
      try clock.measure { try Self.read(modules: [module], config: Self.patterns(["(a*)*b", "(a|a)*c", ".*.*.*d"])) }
        < .seconds(10))
  }

  @Test func manyPatternsForManyModulesAreRefused() throws {
    let modules = (0..<2000).map { "model.layers.\($0).\(String(repeating: "q", count: 60))" }
    let patterns = (0..<2000).map { ".*x\($0).*\(String(repeating: "y?", count: 40))" }
    let attack = Attack("patterns", "matching 'rank_pattern' against 2000 modules takes") { [] }
    try attack.expectRefusal { _ in try Self.read(modules: modules, config: Self.patterns(patterns)) }
  }

  /// As PEFT's EVA writes them: a path for each module, points not escaped.
  @Test func aNameForEachModuleIsNoAttack() throws {
    let modules = (0..<3000).map { "model.layers.\($0 / 7).mlp.experts.\($0 % 7).down_proj" }
    let clock = ContinuousClock()
    #expect(try clock.measure { try Self.read(modules: modules, config: Self.patterns(modules)) } < .seconds(10))
    let config = try AdapterConfig(
      Bytes(
        Array(
          #"{"peft_type": "LORA", "r": 1, "rank_pattern": {"a.b.q": 2, "b.q": 3, "^q": 4, "q": 5, "b\\.k": 6, ".*k": 7}}"#
            .utf8)))
    // The first in the file that matches, a point standing for anything.
    for (module, rank) in [
      ("a.b.q", 2), ("x.a.b.q", 2), ("x.aXb.q", 2), ("b.q", 3), ("c.bXq", 3), ("q", 4), ("x.q", 5), ("x.b.k", 6),
      ("x.bXk", 7), ("z", 1),
    ] as [(String, Double)] {
      #expect(config.rank(of: module) == rank, "\(module)")
    }
    #expect(config.idlePatterns(among: ["a.b.q", "q", "x.b.k"]).isEmpty)
    #expect(config.idlePatterns(among: ["x.q"]) == ["a.b.q", "b.q", "^q", "b\\.k", ".*k"])
  }

  static let configs: [Attack] = [
    Attack("rank that is no number", "'r' is a string instead of a number") { #"{"peft_type": "LORA", "r": "8"}"# },
    Attack("rank beyond numbers", "a rank must be a positive integer") { #"{"peft_type": "LORA", "r": 1e300}"# },
    Attack("rank below nothing", "a rank must be a positive integer") { #"{"peft_type": "LORA", "r": -8}"# },
    Attack("another adapter", "is an adapter of type IA3, not LORA") { #"{"peft_type": "IA3"}"# },
    Attack("a list of texts that is none", "'target_modules' is a number instead of a list of strings") {
      #"{"peft_type": "LORA", "target_modules": [1]}"#
    },
    Attack("patterns that are a list", "'rank_pattern' is a list instead of an object") {
      #"{"peft_type": "LORA", "rank_pattern": []}"#
    },
  ]

  @Test(arguments: configs) func aConfigIsRefused(_ attack: Attack) throws {
    try attack.expectRefusal { _ = try AdapterConfig(Bytes($0)) }
  }

  @Test func theLimitOfPatternsIsASetting() throws {
    let config = Bytes(Array(#"{"peft_type": "LORA", "r": 1, "rank_pattern": {"a.*": 1}}"#.utf8))
    let one = Tensor([1], shape: [1, 1])
    let weights = Bytes(safetensors(["a.lora_A.weight": one, "a.lora_B.weight": one]))
    var limits = Limits()
    limits[.patternSteps] = 1
    let failure = try failure {
      try Adapter(config: config, configFile: "c", weights: weights, weightsFile: "w", limits: limits)
    }
    #expect(failure.file == "c")
    #expect(failure.advice?.contains("--limit pattern_steps=N") == true)
  }
}
