import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import Datasets

@Suite struct DatasetTests {
  private func read(_ text: String) throws -> Dataset { try Dataset(Bytes(text.utf8), path: "t.jsonl") }

  @Test func listsAndLinesHoldTheSame() throws {
    let rows = [#"{"prompt": "a[,]\"}", "completion": "b\\"}"#, #"{"prompt": "{", "completion": ""}"#]
    let lines = try read(rows.joined(separator: "\n"))
    let list = try read("\u{FEFF} [\n" + rows.joined(separator: "\n ,\n ") + "\n]\n ")
    #expect(lines.records.map(\.content) == list.records.map(\.content))
    #expect(lines.records.map(\.line) == [1, 2])
    #expect(list.records.map(\.line) == [2, 4])
    #expect(lines.records[0].content == .completion(prompt: #"a[,]"}"#, completion: #"b\"#))
    #expect(lines.records.map(\.id) == ["0", "1"])
    #expect(!lines.hasIds)
  }

  @Test func eachFormIsRead() throws {
    func content(_ row: String) throws -> Record.Content { try read(row).records[0].content }
    #expect(
      try content(#"{"instruction": "i", "input": null, "output": "o", "system": "s", "text": "all of it"}"#)
        == .instruction(system: "s", instruction: "i", input: "", answer: "o"))
    #expect(
      try content(
        #"{"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}], "system": "s"}"#)
        == .conversation([.init(.system, "s"), .init(.user, "u"), .init(.assistant, "a")], given: 0))
    #expect(
      try content(#"{"conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}]}"#)
        == .conversation([.init(.user, "u"), .init(.assistant, "a")], given: 0))
    #expect(
      try content(
        #"{"prompt": [{"role": "user", "content": "u"}], "completion": [{"role": "assistant", "content": "a"}]}"#)
        == .conversation([.init(.user, "u"), .init(.assistant, "a")], given: 1))
    #expect(try content(#"{"text": "t"}"#) == .text("t"))
    #expect(
      try content(#"{"input_ids": [0, 7, 8, 0], "labels": [-100, -100, 8, -100], "attention_mask": [0, 1, 1, 0]}"#)
        == .tokens([7, 8], learned: [false, true]))
  }

  @Test func idsAndDomainsAreKept() throws {
    let dataset = try read(#"{"id": 7, "text": "a", "domain": "d"}"# + "\n" + #"{"id": "x", "text": "b"}"#)
    #expect(dataset.records.map(\.id) == ["7", "x"])
    #expect(dataset.records.map(\.domain) == ["d", nil])
    #expect(dataset.hasIds)
  }

  @Test func keysThatAreNotUsedAreSaid() throws {
    let dataset = try read(#"{"text": "a", "source": 1, "url": null}"# + "\n" + #"{"text": "b", "source": 2}"#)
    #expect(dataset.notes == ["t.jsonl: 'source' and 'url' are not used"])
    let many = (0..<70).map { "\"k\($0)\": 1" }.joined(separator: ", ")
    let note = try #require(try read("{\"text\": \"a\", \(many)}\n{\"text\": \"b\", \"k69\": 1}").notes.first)
    #expect(note.hasSuffix(", 'k62', 'k63' and 6 more are not used") && note.hasPrefix("t.jsonl: 'k0', 'k1', "))
  }

  @Test(arguments: [
    ("", 0, "holds no samples"),
    (" \n ", 0, "holds no samples"),
    ("[]", 0, "holds no samples"),
    ("[ ,]", 1, "expected a sample"),
    (#"[{"text": "a"}"#, 1, "the list is not closed"),
    (#"[{"text": "a"},]"#, 1, "expected a sample"),
    (#"[{"text": "a"} {"text": "b"}]"#, 1, "unexpected text after the end"),
    (#"[{"text": "a"}] x"#, 1, "unexpected text after the end of the list"),
    ("[{\"text\": \"a\"},\n{\"text\": \"a\\", 2, "the list is not closed"),
    ("[{\"text\": \"a\"},\n\n {\"text\": 1}]", 3, "has a number as 'text'"),
    ("[{\"text\": \"a\"},\n\n {\"text\" 1}]", 3, "expected ':' after the key"),
    ("[{\"text\": \"a\"},\n7]", 2, "holds a number instead of an object"),
    ("{\"text\": \"a\"}\nnonsense", 2, "expected a JSON value"),
    (
      "{\"text\": \"a\"}\n\n{\"prompt\": \"a\", \"completion\": \"b\"}", 3,
      "'prompt', but the sample in line 1 has 'text'"
    ),
    ("{\"id\": 1, \"text\": \"a\"}\n{\"id\": \"1\", \"text\": \"b\"}", 2, "the same id '1' as the sample in line 1"),
    ("{\"id\": 1, \"text\": \"a\"}\n{\"text\": \"b\"}", 2, "has no 'id'"),
    ("{\"text\": \"a\"}\n{\"id\": 1, \"text\": \"b\"}", 2, "has an 'id', but earlier samples have none"),
    (#"{"id": [1], "text": "a"}"#, 1, "has a list as 'id'"),
    (#"{"prompt": "a"}"#, 1, "has 'prompt' but no 'completion'"),
    (#"{"question": "a"}"#, 1, "none of the known forms"),
    (#"{"messages": [], "instruction": "a", "output": "b"}"#, 1, "either of which could be meant"),
    (#"{"instruction": "a", "output": "b", "history": [["q", "a"]]}"#, 1, "'history', which changes what is learned"),
    (#"{"prompt": [], "completion": "b"}"#, 1, "has a string as 'completion'"),
    (#"{"messages": [{"role": "tool", "content": "x"}]}"#, 1, "message 1 is by 'tool'"),
    (#"{"messages": [{"role": "user", "content": null}]}"#, 1, "message 1 has null as 'content'"),
    (#"{"messages": [{"role": "assistant", "content": "x", "weight": 0}]}"#, 1, "message 1 has 'weight'"),
    (#"{"messages": [{"role": "system", "content": "x"}], "system": "y"}"#, 1, "in addition to a system message"),
    (#"{"input_ids": [1, 2], "labels": [1]}"#, 1, "2 'input_ids' but 1 'labels'"),
    (#"{"input_ids": [1, 2], "labels": [2, -100]}"#, 1, "has the label 2 at token 0, whose id is 1"),
    (#"{"input_ids": [1, -2], "labels": [1, -2]}"#, 1, "the token id -2, which no vocabulary has"),
    (#"{"input_ids": [1, 99999999999], "labels": [-100, -100]}"#, 1, "which no vocabulary has"),
    (#"{"input_ids": [1, 2.5], "labels": [1, 2]}"#, 1, "has a number at place 1 of 'input_ids'"),
    (#"{"input_ids": [1, 2, 3], "labels": [-100, -100, -100], "attention_mask": [1, 0, 1]}"#, 1, "zeros between ones"),
    (#"{"input_ids": [1, 2], "labels": [-100, 2], "attention_mask": [1, 0]}"#, 1, "which its 'attention_mask' hides"),
  ])
  func whatIsWrongIsSaidWithItsLine(_ text: String, _ line: Int, _ words: String) throws {
    let failure = try failure { try read(text) }
    #expect(failure.kind == .badData)
    #expect(failure.message.contains(words), "\(failure)")
    #expect(failure.file == "t.jsonl")
    #expect((failure.position?.line ?? 0) == line, "\(failure)")
  }

  @Test func linesBeyondTheLimitAreRefusedBeforeTheyAreRead() throws {
    var limits = Limits()
    limits[.lineSize] = 1000
    let row = #"{"text": ""# + String(repeating: "a", count: 2000) + #""}"#
    for text in [row, "[\(row)]"] {
      let failure = try failure { try Dataset(Bytes(text.utf8), path: "t.jsonl", limits: limits) }
      #expect(failure.message.contains("more than the limit of 1000") && failure.position?.line == 1)
    }
  }

  @Test func aLongFileTakesLinearTime() throws {
    // A list of deep brackets and one of many short rows; quadratic work on either would take minutes.
    let deep = "[" + String(repeating: "[", count: 2_000_000)
    #expect(throws: Failure.self) { try read(deep) }
    let many = "[" + String(repeating: #"{"text":"a"},"#, count: 50_000) + #"{"text":"a"}]"#
    #expect(try read(many).records.count == 50_001)
  }

  @Test func hostileBytesNeverTrap() throws {
    var random = SplitMix64(seed: 7)
    let seed = Array(
      #"[{"messages":[{"role":"user","content":"\u00e9\ud83d\ude00"}],"id":1},{"input_ids":[1],"labels":[-100]}]"#.utf8)
    for _ in 0..<3000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
      _ = try? Dataset(Bytes(bytes), path: "t")
    }
  }
}
