import Tensors
import Tokenizers

extension Tokenizer {
  /// A token for each byte, and the special ones that the templates write.
  static let ofBytes: Tokenizer = {
    // The characters that byte-level vocabularies write bytes as.
    var next: UInt32 = 256
    let characters = (0..<256).map { (byte: UInt32) -> String in
      let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      defer { next += isPrintable ? 0 : 1 }
      let character = Unicode.Scalar(isPrintable ? byte : next).map(String.init) ?? ""
      return ["\"", "\\"].contains(character) ? "\\" + character : character
    }
    let specials = [
      "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<think>",
      "</think>",
    ]
    let vocabulary = (characters + specials).enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ")
    let added = specials.enumerated().map { place, name in
      #"{"id": \#(256 + place), "content": "\#(name)", "single_word": false, "lstrip": false, "rstrip": false, "#
        + #""normalized": false, "special": true}"#
    }
    let step = #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#
    let file =
      #"{"added_tokens": [\#(added.joined(separator: ", "))], "normalizer": null, "pre_tokenizer": \#(step), "#
      + #""post_processor": null, "decoder": \#(step), "model": {"type": "BPE", "vocab": {\#(vocabulary)}, "merges": []}}"#
    let config = #"{"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": true}"#
    do {
      return try Tokenizer(json: Bytes(file.utf8), config: Bytes(config.utf8), path: "tokenizer.json")
    } catch {
      fatalError("the tokenizer of bytes cannot be read: \(error)")
    }
  }()
}
