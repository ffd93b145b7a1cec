import Adapters
import Diagnostics
import JSON
import Recipes
import Tensors
import TestSupport
import Testing

/// JSON, JSON Lines and YAML that strangers wrote.
@Suite struct TextAttackTests {
  static let json: [Attack] = [
    Attack("nothing", "unexpected end of JSON") { "" },
    Attack("a hundred thousand lists", "nested deeper than 64 levels") { String(repeating: "[", count: 100_000) },
    Attack("a hundred thousand objects", "nested deeper than 64 levels") {
      String(repeating: #"{"a":"#, count: 100_000)
    },
    Attack("key twice", "duplicate key 'a'", at: .line(2)) { "{\"a\": 1,\n\"a\": 2}" },
    Attack("key twice, composed differently", "a key is spelled in two ways, '\\u{e9}' and 'e\\u{301}'") {
      "{\"\u{E9}\": 1, \"e\u{301}\": 1}"
    },
    Attack("key twice, escaped differently", "duplicate key 'a'") { #"{"a": 1, "\u0061": 1}"# },
    Attack("NaN", "NaN is not a JSON number") { "[NaN]" },
    Attack("infinity", "-Infinity is not a JSON number") { "[-Infinity]" },
    Attack("number beyond all", "is out of range") { "1e999" },
    Attack("a megabyte of digits", "is out of range") { String(repeating: "9", count: 1 << 20) },
    Attack("number that starts with 0", "cannot start with 0") { "[01]" },
    Attack("hexadecimal", "expected ',' or ']'") { "[0x10]" },
    Attack("half of a surrogate pair", "unpaired surrogate") { #"["\uD800"]"# },
    Attack("the other half", "unpaired surrogate") { #"["\uDC00"]"# },
    Attack("two first halves", "unpaired surrogate") { #"["\uD800\uD800"]"# },
    Attack("invalid UTF-8", "is not valid UTF-8") { Array("[\"".utf8) + [0xC3, 0x28] + Array("\"]".utf8) },
    Attack("surrogates as UTF-8", "is not valid UTF-8") { Array("[\"".utf8) + [0xED, 0xA0, 0x80] + Array("\"]".utf8) },
    Attack("overlong UTF-8", "is not valid UTF-8") { Array("[\"".utf8) + [0xC0, 0xAF] + Array("\"]".utf8) },
    Attack("null byte in a text", "a string contains a control character") { "[\"\u{0}\"]" },
    Attack("byte order mark", "expected a JSON value") { "\u{FEFF}{}" },
    Attack("UTF-16", "expected a JSON value") { [0xFF, 0xFE, 0x7B, 0x00] },
    Attack("comment", "expected a JSON value") { "[/* */]" },
    Attack("two values", "unexpected text after the end") { "{} {}" },
    Attack("not closed", "unterminated string") { "\"" + String(repeating: "a", count: 1 << 20) },
    Attack("combining marks in a key", "more than 256 combining marks in a row") {
      "{\"e\(combiningMarks(2_000_000))\": 1}"
    },
    Attack("combining marks in a value", "more than 256 combining marks in a row") {
      "{\"split\": \"e\(combiningMarks(2_000_000))\"}"
    },
    Attack("combining marks, escaped", "more than 256 combining marks in a row") {
      "[\"" + String(repeating: #"\u0301\u0316"#, count: 100_000) + "\"]"
    },
    Attack("a megabyte of a key, twice", "duplicate key") {
      let key = "\"" + String(repeating: "k", count: 1 << 20) + "\": 1"
      return "{\(key), \(key)}"
    },
  ]

  @Test(arguments: json) func jsonIsRefused(_ attack: Attack) throws {
    try attack.expectRefusal { bytes in _ = try bytes.withUnsafeBytes { try JSONReader().read($0) } }
  }

  /// Small objects took fifty times the memory of their text when each had a dictionary.
  @Test func manySmallObjectsTakeLittleMemory() throws {
    let text = Array(("[" + String(repeating: #"{"a":0},"#, count: 500_000) + "0]").utf8)
    let before = peakMemory()
    let value = try text.withUnsafeBytes { try JSONReader().read($0) }
    #expect(value.arrayValue?.count == 500_001)
    #expect(peakMemory() - before < 250 << 20)
  }

  static let lines: [Attack] = [
    Attack("line beyond the limit", "a line has 16777225 bytes", at: .line(2)) {
      "{}\n{\"a\": \"" + String(repeating: "x", count: 16 << 20) + "\"}"
    },
    Attack("line that nests", "nested deeper than 64 levels", at: .line(3)) {
      "{}\n\n" + String(repeating: "[", count: 1000)
    },
    Attack("line that is broken", "unexpected end of JSON", at: .line(1)) { "{\"a\":\n1}" },
  ]

  @Test(arguments: lines) func jsonLinesAreRefused(_ attack: Attack) throws {
    try attack.expectRefusal { bytes in try bytes.withUnsafeBytes { try JSONReader().readLines($0) { _, _ in } } }
  }

  static let ledgers: [Attack] = [
    Attack("row twice", "twice at checkpoint 1", at: .line(2)) {
      String(repeating: #"{"checkpoint": 1, "split": "train", "id": "a"}"# + "\n", count: 2)
    },
    Attack("too many columns", "has more than 256 columns", at: .line(1)) {
      #"{"checkpoint": 1, "split": "train", "id": "a", "# + (0..<257).map { "\"c\($0)\": 1" }.joined(separator: ", ")
        + "}"
    },
    Attack("half a gigabyte of nothing", "values") {
      let samples = (0..<1000).map { #"{"checkpoint": 0, "split": "train", "id": \#($0), "x": 1}"# }
      let columns = (0..<200).map { "\"c\($0)\": 1" }.joined(separator: ", ")
      let wide = (1..<200).map { #"{"checkpoint": \#($0), "split": "train", "id": 0, \#(columns)}"# }
      return (samples + wide).joined(separator: "\n")
    },
    Attack("more values than the limit", "which is more than 50000000 values") {
      (0..<8000).map { #"{"checkpoint": \#($0), "split": "train", "id": \#($0), "x": 1}"# }.joined(separator: "\n")
    },
  ]

  @Test(arguments: ledgers) func ledgersAreRefused(_ attack: Attack) throws {
    try attack.expectRefusal { _ = try Ledger(Bytes($0)) }
  }

  static let trainerStates: [Attack] = [
    Attack("no object", "is not an object") { "[]" },
    Attack("no steps", "has no valid 'global_step'") { "{}" },
    Attack("negative steps", "has no valid 'global_step'") { #"{"global_step": -1, "log_history": []}"# },
    Attack("steps beyond numbers", "has no valid 'global_step'") {
      #"{"global_step": 1e300, "log_history": []}"#
    },
    Attack("NaN for an epoch", "has nan as 'epoch'") { #"{"global_step": 1, "epoch": NaN, "log_history": []}"# },
    Attack("infinite learning rate", "entry 1 of its log_history has inf as 'learning_rate'") {
      #"{"global_step": 1, "log_history": [{"step": 1, "learning_rate": Infinity}]}"#
    },
    Attack("entry without a step", "entry 2 of its log_history has no 'step'") {
      #"{"global_step": 1, "log_history": [{"step": 1}, {}]}"#
    },
  ]

  @Test(arguments: trainerStates) func trainerStatesAreRefused(_ attack: Attack) throws {
    try attack.expectRefusal { _ = try TrainerState(Bytes($0)) }
  }

  /// Nested aliases: two to the power of sixty values for whoever writes them out.
  static let laughs = "a0: &a0 [x, x]\n" + (1...60).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()

  static let recipes: [Attack] = [
    Attack("nothing", "the recipe is empty") { "" },
    Attack("billion laughs", "values once its aliases are expanded") { laughs },
    Attack("billion laughs as a key", "in a file with aliases", at: .line(62)) { laughs + "? *a60\n: 1\n" },
    Attack("long texts by alias", "of the recipe have more than 8388608 bytes once aliases are expanded") {
      "a: &a \(String(repeating: "x", count: 100_000))\nb: ["
        + Array(repeating: "*a", count: 1000).joined(separator: ", ") + "]"
    },
    Attack("alias to nothing", "this is not valid YAML") { "clients: *nobody" },
    Attack("nesting, flow", "nests deeper than 32 levels") { "clients: " + String(repeating: "[", count: 100_000) },
    Attack("nesting, block", "nests deeper than 32 levels") { String(repeating: "- ", count: 500) + "x" },
    Attack("nesting, unclosed mappings", "nests deeper than 32 levels") { String(repeating: "{a: ", count: 50_000) },
    Attack("too large", "the recipe has more than 1048576 bytes") { String(repeating: "#\n", count: 1 << 20) },
    Attack("too many values", "has more than 100000 values") {
      "clients: [" + Array(repeating: "a", count: 150_000).joined(separator: ",") + "]"
    },
    Attack("key twice", "duplicate key 'seed'") { "seed: 1\nseed: 2\n" },
    Attack("merge key", "merge keys ('<<') are not part") { "a: &a {x: 1}\nb:\n  <<: *a\n" },
    Attack("tag", "python/object/apply:os.system") { "clients: !!python/object/apply:os.system [id]" },
    Attack("two documents", "a second one starts here") { "a: 1\n---\nb: 2\n" },
    Attack("NaN", "must be") { "clients: [a]\nmerge: {method: average, energy: .nan}\n" },
    Attack("control character", "the character U+001B is not allowed", at: .line(2)) { "clues: 1\nseed: \u{1B}[2J\n" },
    Attack("null byte", "the character U+0000 is not allowed") { "clients: [\u{0}]" },
    Attack("combining marks", "more than 256 combining marks in a row") { "e\(combiningMarks(400_000)): 1" },
    Attack("a limit that is none", "'limits.entry_size' must be a number of bytes") {
      "clients: [a]\nmerge: {method: average}\nlimits: {entry_size: 1e9}\n"
    },
    Attack("a limit that is too high for any stack", "must be a whole number of at most 64") {
      "clients: [a]\nmerge: {method: average}\nlimits: {json_depth: 100000}\n"
    },
    Attack("a limit of recipes in a recipe", "unknown key 'recipe_size'") {
      "clients: [a]\nmerge: {method: average}\nlimits: {recipe_size: 1GiB}\n"
    },
    Attack("a file of tabs", "this is not valid YAML") { String(repeating: "\t", count: 1000) + "a: b" },
    Attack("flow lists within flow lists", "this is not valid YAML") {
      "clients: " + String(repeating: "[", count: 30) + String(repeating: "a,", count: 200_000)
    },
  ]

  @Test(arguments: recipes) func recipesAreRefused(_ attack: Attack) throws {
    try attack.expectRefusal(.badRecipe) {
      _ = try Recipe.parse(String(decoding: $0, as: UTF8.self), file: "r.yaml")
    }
  }

  /// Every word is looked at as if it were a number, every name as if it were wrong.
  @Test(arguments: ["0a", "1e5x", "k: 1"]) func manyWordsTakeNoForever(_ word: String) throws {
    let isName = word.hasSuffix(": 1")
    let words = (0..<40_000).map { isName ? "k\($0): 1" : "\(word)\($0)" }.joined(separator: ", ")
    let parameters = isName ? "{\(words)}" : "{k: [\(words)]}"
    let clock = ContinuousClock()
    let time = try clock.measure {
      _ = try Recipe.parse("clients: [a]\nmerge: {method: average, parameters: \(parameters)}", file: "r.yaml")
    }
    #expect(time < .seconds(20), "\(time)")
  }

  @Test func limitsAreSettings() throws {
    var limits = Limits()
    limits[.lineSize] = 4
    for (text, limit) in [("[[[[]]]]", Limit.jsonDepth), ("[1,1,1]", .jsonValues)] {
      var limits = Limits()
      limits[limit] = 3 - (limit == .jsonDepth ? 1 : 0)
      let failure = try failure { try JSONReader(limits).read(text) }
      #expect(failure.advice?.contains("--limit \(limit.rawValue)=N") == true, "\(failure)")
    }
    let long = try failure {
      try Array("[1,1]".utf8).withUnsafeBytes { try JSONReader(limits).readLines($0) { _, _ in } }
    }
    #expect(long.advice?.contains("--limit line_size=N") == true)
    for (limit, text) in [
      (Limit.recipeSize, "clients: [a]"), (.recipeDepth, "clients: [[[[a]]]]"), (.recipeValues, "clients: [a, b, c]"),
      (.recipeText, "clients: [aaaaaaaaaa]"),
    ] {
      var limits = Limits()
      limits[limit] = 3
      let failure = try failure { try Recipe.parse(text, file: "r.yaml", limits: limits) }
      #expect(failure.kind == .badRecipe)
      #expect(failure.advice?.contains("--limit \(limit.rawValue)=N)") == true, "\(failure)")
    }
  }

  /// The greatest depth that may be set still fits the small stacks of worker threads.
  @Test func theGreatestDepthFitsAThread() throws {
    let depth = Limit.jsonDepth.maximum
    var limits = Limits()
    limits[.jsonDepth] = depth
    let text = String(repeating: "[", count: depth + 1) + String(repeating: "]", count: depth + 1)
    let objects = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
    let reader = JSONReader(limits)
    onSmallStack {
      #expect(throws: Never.self) { try reader.read(text) }
      #expect(throws: Never.self) { _ = try reader.read(objects).text() }
    }
  }
}
