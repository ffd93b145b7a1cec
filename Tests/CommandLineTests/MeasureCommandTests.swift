import Foundation
import JSON
import TestSupport
import Testing

/// `clues measure` as a user types it.
@Suite struct MeasureCommandTests {
  private static let arguments = ["measure", fixture("capture/client"), "--base", fixture("capture/base")]

  @Test func `from adapters and files of samples to a table, figures and a page`() throws {
    try withTemporaryFolder { folder in
      let data = ["--data", "text=\(fixture("capture/train.jsonl"))", "--data", fixture("measure/choices.jsonl")]
      let told = try clues(Self.arguments + data, in: folder)
      #expect(told.status == 0, "\(told.errors)")
      for words in ["per token", "perplexity", "minus base", "right choices", "per byte", "95 %", "choices"] {
        #expect(told.output.contains(words), "\(words): \(told.output)")
      }
      let more = [
        "--generate", "--max-new-tokens", "6", "--answers", "a.jsonl", "--html", "m.html", "--samples", "s.jsonl",
      ]
      let found = try clues(Self.arguments + data + more + ["--json"], in: folder)
      #expect(found.status == 0, "\(found.errors)")
      let report = try #require(try JSONReader().read(found.output).objectValue)
      #expect(report["schema"] == "clues/measure/1" && report["answer_tokens"] == 6)
      #expect(report["losses"]?.arrayValue?.count == 1 && report["choices"]?.arrayValue?.count == 1)
      let page = try String(contentsOf: folder.appending(path: "m.html"), encoding: .utf8)
      #expect(page.contains("Sample answers") && page.contains("</svg>") && !page.contains("<script"))
      let marks = "{\"id\": \"text-0\", \"adapter\": \"client\", \"mark\": 3}\n"
      try Data(marks.utf8).write(to: folder.appending(path: "marks.jsonl"))
      let marked = try clues(Self.arguments + data + ["--marks", "marks.jsonl"], in: folder)
      #expect(marked.status == 0 && marked.output.contains("marks"), "\(marked.errors)")
      let again = try clues(Self.arguments + data + ["--html", "m.html"], in: folder)
      #expect(again.status == 73 && again.errors.contains("--force"), "\(again.errors)")
    }
  }

  @Test(arguments: [
    ([], 64, "--data"), (["--data", "absent.jsonl"], 66, "absent"), (["--data", "a/b=absent.jsonl"], 66, "absent"),
    (["--data", "x", "--answers", "a"], 64, "--generate"), (["--data", "x", "--draws", "0"], 64, "--draws"),
    (["--data", "x", "--max-new-tokens", "0"], 64, "--max-new-tokens"),
    (["--data", "x", "--client", "a", "--client", "b"], 64, "2 names"),
  ])
  func `what cannot be meant is refused before any work`(_ more: [String], _ status: Int32, _ words: String) throws {
    try withTemporaryFolder { folder in
      let result = try clues(Self.arguments + more, in: folder)
      #expect(result.status == status && result.errors.contains(words), "\(result.status) \(result.errors)")
    }
  }

  @Test func `the base model is measured by itself, too`() throws {
    try withTemporaryFolder { folder in
      let alone = ["measure", "--base", fixture("capture/base"), "--data", fixture("capture/train.jsonl")]
      let result = try clues(alone, in: folder)
      #expect(
        result.status == 0 && result.output.contains("base") && !result.output.contains("minus"), "\(result.errors)")
      #expect(try clues(alone + ["--no-base"], in: folder).status == 64)
    }
  }
}
