import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Bundles

@Suite struct FolderReaderTests {
  private func link(_ path: URL, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: path.path, withDestinationPath: target)
  }

  @Test func followsLinksToFiles() throws {
    try withTemporaryFolder { folder in
      try folder.fill(["blobs/1": "linked content", "snapshot/own": "own"])
      try link(folder.appending(path: "snapshot/linked"), to: "../blobs/1")
      #expect(
        try readAll(FolderReader(folder.appending(path: "snapshot").path)) == [
          "own": "own", "linked": "linked content",
        ])
    }
  }

  @Test func followsALinkToAFolderOnceAndGetsOutOfLoops() throws {
    try withTemporaryFolder { folder in
      try folder.fill(["elsewhere/file": "outside", "run/checkpoint-1/file": "inside"])
      try link(folder.appending(path: "run/checkpoint-2"), to: "../elsewhere")
      try link(folder.appending(path: "run/best"), to: "checkpoint-1")
      try link(folder.appending(path: "run/checkpoint-1/up"), to: "..")
      let reader = FolderReader(folder.appending(path: "run").path)
      #expect(try readAll(reader) == ["checkpoint-1/file": "inside", "checkpoint-2/file": "outside"])
      let notes = try reader.read(wanting: { _ in false }) { _, _ in }
      #expect(
        notes.sorted() == [
          "'best' is a link to a folder that was read already",
          "'checkpoint-1/up' is a link to a folder that was read already",
        ])
    }
  }

  @Test func refusesWhatIsNoFileOnlyIfItIsWanted() throws {
    try withTemporaryFolder { folder in
      try folder.fill(["file": "x"])
      try #require(mkfifo(folder.appending(path: "pipe").path, 0o600) == 0)
      try link(folder.appending(path: "dangling"), to: "nowhere")
      let reader = FolderReader(folder.path)
      var seen: [String] = []
      _ = try reader.read(wanting: { $0.path == "file" }) { entry, _ in seen.append(entry.path) }
      #expect(seen == ["file"])
      for name in ["pipe", "dangling"] {
        let failure = try failure { try reader.read(wanting: { $0.path == name }) { _, _ in } }
        #expect(failure.message == "is neither a file nor a link to one")
        #expect(failure.file == "\(folder.path)/\(name)")
      }
    }
  }

  @Test func keepsToItsLimits() throws {
    try withTemporaryFolder { folder in
      try folder.fill(["a": "xxx", "b": "x", "._b": "litter", "one/two/three/four": "4", "one/two/three/four5/5": "5"])
      var limits = Limits()
      #expect(Set(try readAll(FolderReader(folder.path)).keys) == ["a", "b", "one/two/three/four"])
      #expect(
        try FolderReader(folder.path).read(wanting: { _ in false }) { _, _ in } == [
          "1 file that macOS added (._*, .DS_Store) was not read"
        ])
      limits[.entrySize] = 2
      #expect(
        try failure { try readAll(FolderReader(folder.path, limits: limits)) }.message
          == "has 3 bytes, more than the limit of 2")
      limits = Limits()
      limits[.entries] = 3
      #expect(
        try failure { try readAll(FolderReader(folder.path, limits: limits)) }.message
          == "holds more files and folders than the limit of 3")
    }
  }

  /// A file system may have both, and a dictionary only one.
  @Test func refusesOneNameInTwoUnicodeForms() throws {
    try withTemporaryFolder { folder in
      let path = try folder.fill([
        "caf\u{E9}/adapter_config.json": "{}", "cafe\u{301}/adapter_model.safetensors": "weights",
      ]).path
      expectFailure(.badData, "a path is spelled in two ways, 'cafe\\u{301}' and 'caf\\u{e9}'") {
        try Bundle.open(path, wanting: [.adapter])
      }
    }
  }
}
