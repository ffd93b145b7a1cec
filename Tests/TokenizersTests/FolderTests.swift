import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Tokenizers

@Suite struct FolderTests {
  func withFolder<Result>(_ files: [String: String], _ body: (String) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
      for (name, content) in files {
        let target = folder.appending(path: name)
        if content.hasPrefix("@") {
          let source = URL(filePath: fixture("tokenizers/" + content.dropFirst()))
          try FileManager.default.copyItem(at: source, to: target)
        } else {
          try Data(content.utf8).write(to: target)
        }
      }
      return try body(folder.path)
    }
  }

  @Test func settingsComeFromTheFilesBesideIt() throws {
    let config = #"{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "chat_template": "{{ x }}"}"#
    try withFolder(["tokenizer.json": "@llama2.json", "tokenizer_config.json": config]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(tokenizer.beginOfText == 1 && tokenizer.endOfText == 2 && tokenizer.vocabularySize == 800)
      #expect(tokenizer.addsBeginOfText, "its post-processor does")
      #expect(tokenizer.chatTemplate == "{{ x }}")
      let tokens = try tokenizer.encodeWithPostProcessor("é")
      #expect(tokens.first == Token(id: 1, range: 0..<0) && tokens.last == Token(id: 2, range: 2..<2))
    }
  }

  @Test func theirOwnWordCounts() throws {
    let config =
      #"{"bos_token": "<s>", "add_bos_token": false, "chat_template": [{"name": "tools", "template": "t"}, "#
      + #"{"name": "default", "template": "d"}]}"#
    try withFolder(["tokenizer.json": "@llama2.json", "tokenizer_config.json": config]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(!tokenizer.addsBeginOfText && tokenizer.chatTemplate == "d" && tokenizer.endOfText == nil)
    }
    try withFolder(["tokenizer.json": "@gpt2.json", "chat_template.jinja": "from the file"]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(!tokenizer.addsBeginOfText && tokenizer.chatTemplate == "from the file" && tokenizer.beginOfText == nil)
    }
  }

  @Test func sentencePieceServesWhereThereIsNoOther() throws {
    let both = ["tokenizer.model": "@pieces.model", "tokenizer.json": "@gpt2.json"]
    #expect(try withFolder(both) { try Tokenizer(folder: $0).vocabularySize } == 700)
    for (config, after) in [("{}", [1, 263] as [Int32]), (#"{"legacy": false}"#, [1])] {
      try withFolder(["tokenizer.model": "@pieces.model", "tokenizer_config.json": config]) { folder in
        let tokenizer = try Tokenizer(folder: folder)
        #expect(tokenizer.vocabularySize == 900 && tokenizer.endOfText == 2)
        let blank = try #require(tokenizer.id(of: "\u{2581}"))
        let ids = try tokenizer.encode("<s>\u{4E00}", specials: .parsed).map(\.id)
        #expect(ids.first == 1 && (ids[1] == blank) == (after.count == 2), "\(ids)")
      }
    }
  }

  @Test func whatIsWrongIsNamed() throws {
    try withFolder([:]) { folder in
      expectFailure(.missingInput, "neither tokenizer.json nor tokenizer.model") { try Tokenizer(folder: folder) }
    }
    let broken = ["tokenizer.json": "@gpt2.json", "tokenizer_config.json": #"{"bos_token": "<none>"}"#]
    try withFolder(broken) { folder in
      expectFailure(.badData, "'bos_token' is '<none>', which is not a token") { try Tokenizer(folder: folder) }
    }
    let torn = ["tokenizer.json": "@gpt2.json", "tokenizer_config.json": #"{"bos_token": "#]
    try withFolder(torn) { folder in
      let failure = try failure { try Tokenizer(folder: folder) }
      #expect(failure.file == folder + "/tokenizer_config.json" && failure.position != nil)
    }
  }

  @Test func filesThatContradictEachOther() throws {
    let decoder = #"{"added_tokens_decoder": {"1": {"content": "<s>", "special": true}, "800": {"content": "<pad>"}}}"#
    try withFolder(["tokenizer.json": "@llama2.json", "tokenizer_config.json": decoder]) { folder in
      expectFailure(.badData, "has the token '<pad>'") { try Tokenizer(folder: folder) }
    }
    let fine = decoder.replacing(#", "800": {"content": "<pad>"}"#, with: "")
    #expect(fine != decoder)
    try withFolder(["tokenizer.json": "@llama2.json", "tokenizer_config.json": fine]) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      #expect(tokenizer.id(of: "<s>") == 1)
    }
    try withFolder(["tokenizer.model": "@pieces.model", "added_tokens.json": #"{"<s>": 1, "<pad>": 900}"#]) { folder in
      let failure = try failure { try Tokenizer(folder: folder) }
      #expect(failure.message.contains("has the token '<pad>'") && failure.file == folder + "/added_tokens.json")
    }
    for (file, adds) in [("llama2", true), ("gpt2", false), ("prefix", true), ("metaspace", true), ("qwen2", false)] {
      for said in [true, false] {
        let config = #"{"add_prefix_space": \#(said)}"#
        try withFolder(["tokenizer.json": "@\(file).json", "tokenizer_config.json": config]) { folder in
          if said == adds {
            let tokenizer = try Tokenizer(folder: folder)
            #expect(tokenizer.vocabularySize > 0)
          } else {
            expectFailure(.badData, "'add_prefix_space'") { try Tokenizer(folder: folder) }
          }
        }
      }
    }
  }
}
