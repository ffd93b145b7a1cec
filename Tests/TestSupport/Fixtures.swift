import Foundation

/// The folder with the files that other people's software wrote.
public let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Fixtures")

/// The root of the repository.
public let repository = fixtures.deletingLastPathComponent().deletingLastPathComponent()

/// The path of a fixture.
public func fixture(_ path: String) -> String { fixtures.appending(path: path).path }

/// Makes an empty folder for `body` and removes it afterwards.
public func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "clues-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}
