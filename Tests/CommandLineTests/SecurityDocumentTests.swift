import Foundation
import TestSupport
import Testing

/// Documentation/Security.md names tests that there are.
@Suite struct SecurityDocumentTests {
  @Test func `every promise names its test`() throws {
    let text = try String(contentsOf: repository.appending(path: "Documentation/Security.md"), encoding: .utf8)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| promise") }
    #expect(rows.count >= 20)
    let sources = try Self.sources()
    var count = 0
    for row in rows {
      // The last column holds the tests, by name or by suite.
      let column = try #require(row.split(separator: "|").last)
      for name in column.matches(of: /`([A-Za-z]+Tests)?\.?([a-z][A-Za-z0-9]+)?`/) {
        count += 1
        if let suite = name.output.1 { #expect(sources.contains("struct \(suite)"), "\(suite)") }
        // Words in small letters alone are what a test is given, not its name.
        if let test = name.output.2, test.contains(where: \.isUppercase) {
          #expect(sources.contains("func \(test)("), "\(test)")
        }
      }
    }
    #expect(count >= 25)
  }

  private static func sources() throws -> String {
    let tests = repository.appending(path: "Tests")
    let paths = try FileManager.default.subpathsOfDirectory(atPath: tests.path).filter { $0.hasSuffix(".swift") }
    return try paths.map { try String(contentsOf: tests.appending(path: $0), encoding: .utf8) }.joined()
  }
}
