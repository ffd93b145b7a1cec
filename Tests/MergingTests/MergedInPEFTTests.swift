import Foundation
import TestSupport
import Testing

private let peftPython = ProcessInfo.processInfo.environment["CLUES_PEFT_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }

/// Results loaded by PEFT itself, with models and clients that `Tests/PEFT/merged_in_peft.py` makes.
///
/// `CLUES_PEFT_PYTHON` names a Python with torch, transformers and peft.
@Suite(.enabled(if: peftPython != nil, "CLUES_PEFT_PYTHON names no Python with peft"))
struct MergedInPEFTTests {
  /// Every parameter of the base model with the result in it is the mean of those with each client in it.
  @Test func everyParameterIsTheMeanOfTheClients() throws {
    try withTemporaryFolder { folder in
      let made = try run("make", folder)
      try #require(made.status == 0, "\(made.output)")
      let scenarios = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      #expect(scenarios.count >= 21)
      for scenario in scenarios {
        let path = folder.appending(path: scenario)
        let arguments = try String(contentsOf: path.appending(path: "arguments"), encoding: .utf8)
          .split(separator: "\n").map(String.init)
        let result = try clues(
          ["merge", "a", "b", "--method", "average", "--dtype", "float32", "--base-model", "base", "-o", "merged"]
            + arguments, in: path)
        #expect(result.status == 0, "\(scenario): \(result.errors)")
      }
      let checked = try run("check", folder)
      #expect(checked.status == 0, "\(checked.output)")
    }
  }

  private func run(_ task: String, _ folder: URL) throws -> CommandResult {
    try TestSupport.run(
      try #require(peftPython), [repository.appending(path: "Tests/PEFT/merged_in_peft.py").path, task, folder.path],
      environment: ProcessInfo.processInfo.environment.merging(["HF_HUB_OFFLINE": "1"]) { $1 })
  }
}
