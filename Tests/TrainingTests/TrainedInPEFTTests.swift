import Foundation
import TestSupport
import Testing

@testable import Training

private let peftPython = ProcessInfo.processInfo.environment["CLUES_PEFT_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }

/// Checkpoints loaded by PEFT and the Trainer themselves: `Tests/PEFT/trained_in_peft.py`.
@Suite(.enabled(if: peftPython != nil, "CLUES_PEFT_PYTHON names no Python with peft"))
struct TrainedInPEFTTests {
  @Test(arguments: [false, true]) func theTrainerGoesOnFromACheckpoint(isNew: Bool) throws {
    try withTemporaryFolder { root in
      var settings = llama(in: root)
      settings.saveSteps = 5
      if isNew { (settings.initial, settings.rank, settings.usesRsLoRA) = (nil, 5, true) }
      _ = try Trainer(settings, observer: Listener()).run()
      let script = repository.appending(path: "Tests/PEFT/trained_in_peft.py").path
      let result = try run(
        try #require(peftPython), [script, settings.data.base, settings.data.train[0], settings.output],
        environment: ProcessInfo.processInfo.environment.merging(["HF_HUB_OFFLINE": "1"]) { $1 })
      #expect(result.status == 0, "\(result.output)\(result.errors)")
    }
  }
}
