import Foundation
import TestSupport
import Testing

/// README.md has the attacks that there are.
@Suite struct AttackDocumentTests {
  @Test func hasEveryAttackAndItsError() throws {
    let text = try String(contentsOf: repository.appending(path: "Tests/Hostile/README.md"), encoding: .utf8)
    let tars = HostileArchiveTests.attacks.map { ($0.testDescription, $0.message) }
    let others =
      BundleAttackTests.attacks + SafetensorsAttackTests.attacks + PickleAttackTests.attacks
      + PickleAttackTests.containers + ZipAttackTests.attacks + ZipAttackTests.entries
      + TextAttackTests.json + TextAttackTests.lines + TextAttackTests.ledgers + TextAttackTests.trainerStates
      + TextAttackTests.recipes + AdapterAttackTests.attacks + AdapterAttackTests.configs
    for (name, message) in tars + others.map({ ($0.testDescription, $0.message) }) {
      #expect(text.contains("| \(name) | …\(message)… |"))
    }
  }
}
