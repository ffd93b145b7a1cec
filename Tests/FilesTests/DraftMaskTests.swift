import Files
import Foundation
import TestSupport
import Testing

/// Results have the rights that any new file would have, and nobody's mask is touched on the way.
@Suite struct DraftMaskTests {
  @Test func theMaskIsReadAndNotSet() async throws {
    let text = try output("/bin/sh", ["-c", "umask"])
    let expected = mode_t(text.trimmingCharacters(in: .whitespacesAndNewlines), radix: 8)
    #expect(try Draft.mask() == expected)
    // From many threads at once it stays what it is.
    try await withThrowingTaskGroup(of: mode_t.self) { group in
      for _ in 0..<200 { group.addTask { try Draft.mask() } }
      for try await mask in group { #expect(mask == expected) }
    }
    #expect(try Draft.mask() == expected)
  }
}
