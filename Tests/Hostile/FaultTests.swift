import Foundation
import TestSupport
import Testing

/// A short version of `make faults`: every action and every fault a few times.
@Suite struct FaultTests {
  @Test(.timeLimit(.minutes(5))) func resultsSurviveRunsThatGoWrong() throws {
    let script = repository.appending(path: "Tests/Faults/faults.sh").path
    let result = try clues([script, cluesExecutable, "30", "5"], executable: "/bin/bash")
    #expect(result.status == 0, "\(result.output)\n\(result.errors)")
    #expect(result.output.contains("30 runs (full: "), "\(result.output)")
  }
}
