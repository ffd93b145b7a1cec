import Diagnostics
import Files
import Foundation
import TestSupport
import Testing

/// Files that appear whole or not at all.
@Suite struct AtomicFileTests {
  private func names(in folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func `the name is given at the end, and nothing is left of what was given up`() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "x").path
      try writeWhole("old", to: path)
      let file = try AtomicFile("new", for: path)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
      #expect(try names(in: folder).count == 2)
      try file.commit()
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
      try AtomicFile("never", for: path).abandon()
      #expect(try names(in: folder) == ["x"])
    }
  }

  @Test func `permissions are those of any file, or those that are asked for`() throws {
    try withTemporaryFolder { folder in
      func mode(_ name: String, _ permissions: mode_t?) throws -> mode_t {
        let path = folder.appending(path: name).path
        try writeWhole("x", to: path, permissions: permissions)
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status.st_mode & 0o7777
      }
      let cases: [(String, mode_t?, mode_t)] = [("any", nil, 0o666 & ~(try Draft.mask())), ("own", 0o600, 0o600)]
      for (name, permissions, expected) in cases {
        let found = try mode(name, permissions)
        #expect(found == expected, "\(name)")
      }
    }
  }

  @Test func `a link stays, and what it leads to is replaced`() throws {
    try withTemporaryFolder { folder in
      let link = folder.appending(path: "link").path
      try #require(symlink("target", link) == 0)
      for text in ["first", "second"] {
        try writeWhole(text, to: link)
        #expect(try String(contentsOf: folder.appending(path: "target"), encoding: .utf8) == text)
      }
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "target")
      #expect(try names(in: folder) == ["link", "target"])
    }
  }

  @Test func `only regular files are replaced`() throws {
    try withTemporaryFolder { folder in
      let pipe = folder.appending(path: "pipe").path
      try #require(mkfifo(pipe, 0o600) == 0)
      for path in [pipe, folder.path] {
        let failure = try failure { try writeWhole("x", to: path) }
        #expect(failure == Failure(.cannotWrite, "is not a regular file, so it is not replaced", file: path))
      }
      #expect(try names(in: folder) == ["pipe"])
    }
  }
}
