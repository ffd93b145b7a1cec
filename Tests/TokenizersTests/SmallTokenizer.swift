import Diagnostics
import JSON
import Tensors

@testable import Tokenizers

/// A tokenizer.json of a few tokens, of which a test changes what it is about.
struct SmallTokenizer {
  var vocabulary =
    #"{"a": 0, "b": 1, "ab": 2, "\u2581": 3, "e\u0301": 4, "\u00e9": 5, "\u0301": 6, "e": 7, "<unk>": 8}"#
  var merges = #"["a b", ["e", "\u0301"]]"#
  var model = ""
  var added = ""
  var normalizer = "null"
  var preTokenizer = "null"
  var postProcessor = "null"
  var decoder = "null"
  var more = ""

  var text: String {
    #"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [\#(added)], "normalizer": \#(normalizer), "#
      + #""pre_tokenizer": \#(preTokenizer), "post_processor": \#(postProcessor), "decoder": \#(decoder), "#
      + #""model": {"type": "BPE", "vocab": \#(vocabulary), "merges": \#(merges)\#(model)}\#(more)}"#
  }

  func read() throws -> Tokenizer {
    try Tokenizer(json: Bytes(text.utf8), path: "tokenizer.json")
  }

  static func token(_ id: Int, _ content: String, special: Bool = true) -> String {
    #"{"id": \#(id), "content": "\#(content)", "single_word": false, "lstrip": false, "rstrip": false, "#
      + #""normalized": false, "special": \#(special)}"#
  }
}
