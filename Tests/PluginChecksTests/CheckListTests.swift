import Foundation
import PluginHost
import TestSupport
import Testing

@testable import PluginChecks

/// The list of checks and what is written about them.
@Suite struct CheckListTests {
  @Test func theIdsAreDifferentWords() {
    let ids = Check.all.map(\.id)
    #expect(Set(ids).count == ids.count)
    for id in ids { #expect(id.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(id)") }
    for check in Check.all { #expect(check.about.hasSuffix("."), "\(check.id)") }
  }

  @Test func theDocumentHasTheSameTable() throws {
    let text = try String(contentsOf: repository.appending(path: "Documentation/Checks.md"), encoding: .utf8)
    let section = text.components(separatedBy: "\n## The checks\n").last ?? ""
    let rows = section.matches(of: /\n\| `([a-z-]+)` \| (.+) \|/).map { "\($0.output.1): \($0.output.2)" }
    #expect(rows == Check.all.map { "\($0.id): \($0.about)" })
  }

  @Test func boundsBeyondAllIntegersAreNoTrap() throws {
    let text = #"{"n": {"type": "integer", "minimum": 1e300}, "x": {"type": "number", "maximum": -1e300}}"#
    var draw = Draw(seed: 1, "bounds")
    let values = try ParameterSchema(text: text).declarations.map { $0.trialValues(&draw) }
    #expect(values[0].isEmpty)
    #expect(values[1].contains(.number(-1e300)))
  }

  @Test func theListFitsATerminal() {
    for line in Check.list.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
  }
}
