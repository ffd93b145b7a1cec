import Foundation
import JSON
import TestSupport
import Testing

/// `--rank-layout` reaches the config that is written.
@Suite struct RankLayoutOptionTests {
  @Test func ranksGoTogetherAsAsked() throws {
    try withTemporaryFolder { folder in
      func merge(_ options: String...) throws -> (config: JSONObject, errors: String) {
        let result = try clues(
          [
            "merge", fixture("peft/adapters/a"), fixture("peft/adapters/wide"), "--method", "average", "-o", "merged",
            "--force",
          ]
            + options, in: folder)
        try #require(result.status == 0, "\(result.errors)")
        let text = try String(contentsOf: folder.appending(path: "merged/adapter_config.json"), encoding: .utf8)
        return (try #require(JSONReader().read(text).objectValue), result.errors)
      }
      let exact = try merge("--rank-layout", "exact")
      #expect(exact.config["rank_pattern"] != [:])
      #expect(exact.errors.contains("llama.cpp") && exact.errors.contains("--rank-layout uniform"))
      let uniform = try merge("--rank-layout", "uniform")
      #expect(uniform.config["rank_pattern"] == [:] && uniform.config["alpha_pattern"] == [:])
      #expect(!uniform.errors.contains("llama.cpp"))
      let wrong = try clues(
        [
          "merge", fixture("peft/adapters/a"), "--method", "average", "-o", "merged", "--force", "--rank-layout",
          "even",
        ],
        in: folder)
      #expect(wrong.status == 78 && wrong.errors.contains("uniform") && wrong.errors.contains("exact"))
    }
  }
}
