import Diagnostics
import Files
import Foundation
import TestSupport
import Testing

@Suite struct FolderLockTests {
  private static let taken = Failure(.cannotWrite, "is in use", file: "out")

  private func lock(_ path: String, followsLink: Bool = false) throws -> FolderLock {
    try FolderLock(path, followsLink: followsLink, as: "out", taken: Self.taken)
  }

  @Test func oneHolderAtATime() throws {
    try withTemporaryFolder { folder in
      let held = try lock(folder.path)
      #expect(try failure { try lock(folder.path) } == Self.taken)
      // The refusal released nothing.
      #expect(try failure { try lock(folder.path) } == Self.taken)
      withExtendedLifetime(held) {}
    }
  }

  @Test func aLockGoesWithItsObject() throws {
    try withTemporaryFolder { folder in
      _ = try lock(folder.path)
      _ = try lock(folder.path)
    }
  }

  @Test func linksAreFollowedOnlyIfAskedFor() throws {
    try withTemporaryFolder { folder in
      let link = folder.path + "/link"
      try FileManager.default.createDirectory(atPath: folder.path + "/real", withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real")
      let refused = try failure { try lock(link) }
      #expect(refused.kind == .cannotWrite && refused.message.hasPrefix("cannot be opened") && refused.file == "out")
      _ = try lock(link, followsLink: true)
    }
  }
}
