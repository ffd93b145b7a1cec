import Bundles
import Diagnostics
import Foundation
import TestSupport
import Testing

/// Documentation/Bundles.md has the limits that hold.
@Suite struct BundleDocumentTests {
  @Test func hasEveryLimitAndItsValue() throws {
    let text = try String(contentsOf: repository.appending(path: "Documentation/Bundles.md"), encoding: .utf8)
    for limit in Limit.allCases {
      let row = "| `\(limit.rawValue)` | \(written(limit)) | \(limit.meaning) |"
      #expect(text.contains(row), "\(row)")
    }
  }

  private func written(_ limit: Limit) -> String {
    // 16GiB on the command line, 16 GiB in a text.
    let text = limit.text(of: limit.byDefault)
    let digits = text.prefix { $0.isNumber }
    return digits == text ? text : "\(digits) \(text.dropFirst(digits.count))"
  }
}
