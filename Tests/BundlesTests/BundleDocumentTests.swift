import Bundles
import Foundation
import TestSupport
import Testing

/// Documentation/Bundles.md has the limits that hold.
@Suite struct BundleDocumentTests {
  @Test func hasEveryLimitAndItsValue() throws {
    let text = try String(contentsOf: repository.appending(path: "Documentation/Bundles.md"), encoding: .utf8)
    for (name, value) in Mirror(reflecting: Limits()).children {
      let name = try #require(name)
      let value = try #require(value as? Int)
      #expect(text.contains("| `\(name)` | \(written(value)) |"), "\(name)")
    }
  }

  private func written(_ value: Int) -> String {
    if value.isMultiple(of: 1 << 30) { return "\(value >> 30) GiB" }
    return value.isMultiple(of: 1 << 20) ? "\(value >> 20) MiB" : "\(value)"
  }
}
