import Diagnostics
import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Paths taken apart, and folders made and removed.
@Suite struct PathTests {
  @Test func `a path has a name and a folder`() {
    let here = FileManager.default.currentDirectoryPath
    for (path, name, folder) in [
      ("a/b.tar", "b.tar", "a"), ("a/b/", "b", "a"), ("b", "b", "."), ("/b", "b", "/"), ("/", "", "/"), ("", "", "."),
    ] {
      #expect(FilePath(path).name == name && FilePath(path).folder.string == folder, "\(path)")
    }
    #expect(FilePath("x/../y/./z").absolute.string == here + "/y/z")
    #expect(FilePath("/x/..//y/").absolute.string == "/y")
    #expect(FilePath(".").absolute.name == FilePath(here).name)
  }

  @Test func `links are followed, also to what is not there yet`() throws {
    try withTemporaryFolder { folder in
      let root = FilePath(folder.path).resolved
      try FileManager.default.createDirectory(at: folder.appending(path: "real"), withIntermediateDirectories: true)
      for (link, target) in [("link", "real"), ("dangling", "real/new"), ("loop", "loop")] {
        try #require(symlink(target, root.appending(link).string) == 0)
      }
      for (path, end) in [
        ("link", "real"), ("link/x/y", "real/x/y"), ("dangling", "real/new"), ("none", "none"), ("loop", "loop"),
      ] {
        #expect(root.appending(path).resolved == root.appending(end), "\(path)")
      }
      #expect(root.appending("link").isFolder && root.appending("link").exists)
      #expect(!root.appending("dangling").exists && !root.appending("dangling").isFolder)
    }
  }

  @Test func `a user's folders are where XDG says, and never relative`() {
    #expect(UserFolder.cache.path(in: ["XDG_CACHE_HOME": "/c", "HOME": "/h"])?.string == "/c/clues")
    #expect(UserFolder.data.path(in: ["XDG_DATA_HOME": "d", "HOME": "/h"])?.string == "/h/.local/share/clues")
    #expect(UserFolder.configuration.path(in: ["HOME": "/h"])?.string == "/h/.config/clues")
    #expect(UserFolder.configuration.path(in: ["HOME": "h", "XDG_CONFIG_HOME": ""]) == nil)
  }

  @Test func `folders are made, and removed without following links`() throws {
    try withTemporaryFolder { folder in
      let root = FilePath(folder.path)
      let tree = root.appending("tree/a/b")
      try makeFolder(tree, mode: 0o700, for: "out")
      try makeFolder(tree, for: "out")
      try writeWhole("x", to: root.appending("kept").string)
      try writeWhole("x", to: tree.appending("file").string)
      try #require(symlink(folder.path, tree.appending("link").string) == 0)
      let blocked = try failure { try makeFolder(root.appending("kept/x"), for: "out") }
      #expect(blocked == Failure.cannotWrite("out", "Not a directory"))
      #expect(try Set(names(in: tree) ?? []) == ["file", "link"])
      #expect(try names(in: root.appending("kept")) == nil)
      removeTree(root.appending("tree").string)
      #expect(try names(in: root) == ["kept"])
      removeTree(root.appending("nothing").string)
    }
  }
}

extension Failure {
  fileprivate static func cannotWrite(_ file: String, _ reason: String) -> Failure {
    Failure(
      .cannotWrite, "cannot be written: \(reason)",
      advice: "check that the folder exists, its permissions and the free space",
      file: file)
  }
}
