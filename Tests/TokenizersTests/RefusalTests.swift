import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Tokenizers

/// What is not understood is refused by name; nothing is approximated.
@Suite struct RefusalTests {
  func refuses(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout SmallTokenizer) -> Void
  ) {
    var file = SmallTokenizer()
    change(&file)
    expectFailure(.badData, words, sourceLocation: sourceLocation) { try file.read() }
  }

  @Test func theSmallTokenizerIsFine() throws {
    #expect(try SmallTokenizer().read().encode("abba").map(\.id) == [2, 1, 0])
  }

  @Test func otherModels() {
    for type in ["Unigram", "WordPiece", "WordLevel"] {
      var text = SmallTokenizer().text
      text.replace(#""type": "BPE""#, with: #""type": "\#(type)""#)
      expectFailure(.badData, "'model' is of the type '\(type)'") {
        try Tokenizer(json: Bytes(text.utf8), path: "tokenizer.json")
      }
    }
  }

  @Test(arguments: [
    (#", "dropout": 0.1"#, "dropout"), (#", "continuing_subword_prefix": "@@""#, "continuing_subword_prefix"),
    (#", "end_of_word_suffix": "</w>""#, "end_of_word_suffix"), (#", "shuffle": true"#, "model.shuffle"),
    (#", "byte_fallback": 1"#, "byte_fallback"),
  ])
  func settingsOfTheModel(_ setting: String, _ words: String) {
    refuses(words) { $0.model = setting }
  }

  @Test(arguments: [
    "NFKC", "NFD", "NFKD", "Strip", "StripAccents", "BertNormalizer", "Nmt", "Precompiled", "ByteLevel",
  ])
  func otherNormalizers(_ type: String) {
    refuses("'normalizer' is of the type '\(type)'") { $0.normalizer = #"{"type": "\#(type)"}"# }
  }

  @Test(arguments: [
    "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "UnicodeScripts", "CharDelimiterSplit",
    "FixedLength",
  ])
  func otherPreTokenizers(_ type: String) {
    refuses("'pre_tokenizer.pretokenizers[0]' is of the type '\(type)'") {
      $0.preTokenizer = #"{"type": "Sequence", "pretokenizers": [{"type": "\#(type)"}]}"#
    }
  }

  @Test(arguments: ["WordPiece", "CTC", "BPEDecoder"]) func otherDecoders(_ type: String) {
    refuses("'decoder' is of the type '\(type)'") { $0.decoder = #"{"type": "\#(type)"}"# }
  }

  @Test(arguments: ["BertProcessing", "RobertaProcessing"]) func otherPostProcessors(_ type: String) {
    refuses("'post_processor' is of the type '\(type)'") { $0.postProcessor = #"{"type": "\#(type)"}"# }
  }

  @Test func patterns() {
    let split = #"{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated", "invert": false}"#
    refuses(#"is the regular expression \w+, which is not understood"#) { $0.preTokenizer = split }
    let gpt2 =
      #"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"#
    refuses("'pre_tokenizer.behavior' is 'Removed'") {
      $0.preTokenizer = #"{"type": "Split", "pattern": {"Regex": "\#(gpt2)"}, "behavior": "Removed", "invert": false}"#
    }
    refuses("'pre_tokenizer.behavior' is 'Sometimes'") {
      $0.preTokenizer = #"{"type": "Split", "pattern": {"String": "-"}, "behavior": "Sometimes", "invert": false}"#
    }
    refuses("is the regular expression  +") {
      $0.normalizer = #"{"type": "Replace", "pattern": {"Regex": " +"}, "content": " "}"#
    }
  }

  @Test func stepsInAnotherOrder() {
    refuses("comes after 'ByteLevel'") {
      $0.preTokenizer =
        #"{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}, "#
        + #"{"type": "Digits", "individual_digits": true}]}"#
    }
  }

  @Test func sequencesWithoutEnd() {
    refuses("deeper than 8 levels") {
      for _ in 0..<20 {
        $0.normalizer = #"{"type": "Sequence", "normalizers": [\#($0.normalizer)]}"#
      }
    }
    refuses("has 33 steps") {
      let steps = Array(repeating: #"{"type": "NFC"}"#, count: 33).joined(separator: ",")
      $0.normalizer = #"{"type": "Sequence", "normalizers": [\#(steps)]}"#
    }
  }

  @Test func textsThatGrow() throws {
    var file = SmallTokenizer()
    let step = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#
    file.normalizer = #"{"type": "Sequence", "normalizers": [\#(step), \#(step), \#(step), \#(step)]}"#
    let tokenizer = try file.read()
    expectFailure(.badData, "16 times longer") { try tokenizer.encode("aaaa") }
    refuses("makes texts longer") { $0.decoder = step }
  }

  @Test func blanksThatGrow() throws {
    var file = SmallTokenizer()
    let steps = ["x", "y", "z"].map {
      #"{"type": "Metaspace", "replacement": "\#($0)", "prepend_scheme": "always", "split": true}, "#
        + #"{"type": "Split", "pattern": {"String": "\#($0)"}, "behavior": "Isolated", "invert": false}"#
    }
    let many = (0..<5).flatMap { _ in steps }.joined(separator: ",")
    file.preTokenizer = #"{"type": "Sequence", "pretokenizers": [\#(many)]}"#
    let tokenizer = try file.read()
    expectFailure(.badData, "16 times longer") { try tokenizer.encode(String(repeating: "a ", count: 1000)) }
  }

  @Test func marksThatTakeLongToOrder() throws {
    var file = SmallTokenizer()
    file.normalizer = #"{"type": "NFC"}"#
    file.model = #", "unk_token": "<unk>""#
    let tokenizer = try file.read()
    for marks in ["\u{301}\u{323}", "\u{F73}", "\u{F73}\u{F72}", "\u{344}\u{323}"] {
      let count = marks.unicodeScalars.count
      #expect(try !tokenizer.encode("a" + String(repeating: marks, count: 250 / count)).isEmpty)
      for text in [String(repeating: marks, count: 300), String(repeating: "a" + marks + "\n", count: 300)] {
        let isLong = text.unicodeScalars.count == 300 * count
        if isLong {
          expectFailure(.badData, "combining marks in a row") { try tokenizer.encode(text) }
        } else {
          #expect(try !tokenizer.encode(text).isEmpty)
        }
      }
    }
  }

  @Test func textsBeyondAllMeasure() throws {
    let tokenizer = try SmallTokenizer().read()
    let text = String(repeating: "a", count: 1 << 24)
    expectFailure(.badData, "more than 16777216") { try tokenizer.encode(text + "b") }
  }

  @Test(arguments: [
    (#"{"a": -1}"#, "has the id -1"), (#"{"a": 4194304}"#, "has the id 4194304"), (#"{"a": 0, "b": 0}"#, "same id 0"),
    (#"{"a": 0, "a": 1}"#, "in the vocabulary twice"), (#"{"a": 1.5}"#, "something else than tokens with their ids"),
    (#"[["a", 0, 1]]"#, "something else than tokens with their ids"), (#""a""#, "'model.vocab' is a text"),
    ("null", "no 'vocab'"),
  ])
  func vocabularies(_ vocabulary: String, _ words: String) {
    refuses(words) {
      $0.vocabulary = vocabulary
      $0.merges = "[]"
    }
  }

  @Test(arguments: [
    (#"["a c"]"#, "needs the token 'c'"), (#"["b a"]"#, "needs the token 'ba'"), (#"["a b a"]"#, "not a pair"),
    (#"["ab"]"#, "not a pair"), (#"[["a"]]"#, "'model.merges[0]' is not a pair"),
    ("[1]", "'model.merges[0]' is not a pair"),
  ])
  func merges(_ merges: String, _ words: String) {
    refuses(words) { $0.merges = merges }
  }

  @Test(arguments: [
    (SmallTokenizer.token(12, "<s>"), "has the id 12, where 9 is expected"),
    (SmallTokenizer.token(7, "a"), "has the id 7, where 0 is expected"),
    (SmallTokenizer.token(9, "<s>") + "," + SmallTokenizer.token(10, "<s>"), "is added twice"),
    (SmallTokenizer.token(9, ""), "from 1 to 256"),
    (SmallTokenizer.token(9, String(repeating: "x", count: 257)), "from 1 to 256"),
    (#"{"id": 9, "content": "<s>"}"#, "'added_tokens[0].special' is missing"),
  ])
  func addedTokens(_ tokens: String, _ words: String) {
    refuses(words) { $0.added = tokens }
  }

  @Test func templates() {
    func template(_ single: String) -> String {
      #"{"type": "TemplateProcessing", "single": [\#(single)], "pair": [], "#
        + #""special_tokens": {"<s>": {"id": "<s>", "ids": [99], "tokens": ["<s>"]}}}"#
    }
    let text = #"{"Sequence": {"id": "A", "type_id": 0}}"#
    refuses("holds the text 2 times") { $0.postProcessor = template(text + "," + text) }
    refuses("holds the text 0 times") { $0.postProcessor = template("") }
    refuses("puts the id 99 around texts") {
      $0.postProcessor = template(#"{"SpecialToken": {"id": "<s>", "type_id": 0}}, "# + text)
    }
    refuses("'post_processor.special_tokens.</s>' is null") {
      $0.postProcessor = template(#"{"SpecialToken": {"id": "</s>", "type_id": 0}}, "# + text)
    }
  }

  @Test func whatNobodyKnows() {
    refuses("'tokenizer.json.surprise' is not understood") { $0.more = #", "surprise": 1"# }
    refuses("'normalizer.strength' is not understood") { $0.normalizer = #"{"type": "NFC", "strength": 2}"# }
  }

  /// To Swift's strings both are the same text; to a vocabulary they are two tokens.
  @Test func equivalentTokensAreTwo() throws {
    let tokenizer = try SmallTokenizer().read()
    #expect(tokenizer.id(of: "e\u{301}") == 4 && tokenizer.id(of: "\u{e9}") == 5)
    #expect(try tokenizer.encode("e\u{301}").map(\.id) == [4])
    #expect(try tokenizer.encode("\u{e9}").map(\.id) == [5])
  }

  @Test func charactersWithoutToken() throws {
    var file = SmallTokenizer()
    let tokenizer = try file.read()
    expectFailure(.badData, "the text has U+1F600, for which the tokenizer has no token") { try tokenizer.encode("a😀") }
    file.model = #", "unk_token": "<unk>""#
    let other = try file.read()
    #expect(try other.encode("a😀b").map(\.id) == [0, 8, 1])
    #expect(other.decode([0, -1, 1, 4_000_000, .max, .min]) == "a \u{FFFD} b \u{FFFD} \u{FFFD} \u{FFFD}")
  }
}
