import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Files
@testable import Runs

/// What is left when runs end otherwise than they should.
@Suite struct DraftTests {
  private func names(in folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func whatNobodyWritesAnyMoreIsRemoved() throws {
    try withTemporaryFolder { folder in
      let output = folder.appending(path: "out").path
      try folder.fill([
        ".out.clues-draft-aaaaaa/half": "x", ".out.clues-draft-bbbbbb": "x", ".out2.clues-draft-cccccc": "other",
      ])
      let draft = try Draft(of: output, isFolder: true)
      #expect(
        try names(in: folder) == [URL(filePath: draft.path).lastPathComponent, ".out2.clues-draft-cccccc"].sorted())
    }
  }

  @Test func whatIsBeingWrittenStays() throws {
    try withTemporaryFolder { folder in
      let output = folder.appending(path: "out").path
      let (one, two) = (try Draft(of: output, isFolder: true), try Draft(of: output, isFolder: false))
      #expect(try names(in: folder).count == 2)
      #expect(one.path != two.path)
      // Nor is anything removed that a link leads to.
      let target = folder.appending(path: "precious").path
      try folder.fill(["precious": "x"])
      try FileManager.default.createSymbolicLink(
        atPath: folder.appending(path: ".out.clues-draft-link").path, withDestinationPath: target)
      try removeAbandonedDrafts(of: output)
      #expect(FileManager.default.fileExists(atPath: target))
      withExtendedLifetime((one, two)) {}
    }
  }

  /// Where the file system cannot exchange, a killed run may leave the previous result under another name.
  @Test func thePreviousResultComesBack() throws {
    try withTemporaryFolder { folder in
      let output = folder.appending(path: "out").path
      try folder.fill([".out.clues-draft-aaaaaa-old/result": "previous"])
      try removeAbandonedDrafts(of: output)
      #expect(try String(contentsOfFile: output + "/result", encoding: .utf8) == "previous")
      try folder.fill([".out.clues-draft-bbbbbb-old/result": "older"])
      try removeAbandonedDrafts(of: output)
      #expect(try names(in: folder) == ["out"])
      #expect(try String(contentsOfFile: output + "/result", encoding: .utf8) == "previous")
    }
  }

  @Test(arguments: ["out", "out.tar"]) func aFolderThatIsRemovedMidwayDoesNotComeBack(_ name: String) throws {
    try withTemporaryFolder { folder in
      let parent = folder.appending(path: "parent")
      let output = try OutputFolder(parent.appending(path: name).path, replacing: false)
      try output.write("first half", to: "adapter_model.safetensors")
      try FileManager.default.removeItem(at: parent)
      let failure = try failure { try output.write("second half", to: "clues/run.json") }
      #expect(failure.kind == .cannotWrite)
      expectFailure(.cannotWrite, "was removed before the result was complete") { try output.commit() }
      #expect(try names(in: folder).isEmpty)
    }
  }

  @Test func aFileThatIsRemovedMidwayIsMissed() throws {
    try withTemporaryFolder { folder in
      let output = try OutputFolder(folder.appending(path: "out").path, replacing: false)
      try output.write("weights", to: "adapter_model.safetensors")
      let draft = try #require(try names(in: folder).first)
      try FileManager.default.removeItem(at: folder.appending(path: draft + "/adapter_model.safetensors"))
      #expect(try failure { try output.commit() }.message == "was removed before the result was complete")
      output.abandon()
      #expect(try names(in: folder).isEmpty)
    }
  }

  @Test func scoresAndTheirOriginBelongTogether() throws {
    try withTemporaryFolder { folder in
      let score = ["score", fixture("tiny/c0"), "-q", "--scorer"]
      #expect(try clues(score + ["grand", "-o", "a.jsonl"], in: folder).status == 0)
      #expect(try clues(score + ["tracin", "-o", "b.jsonl"], in: folder).status == 0)
      #expect(try clues(["select", "a.jsonl"], in: folder).status == 0)
      // As if a run had been killed between its last two steps.
      try FileManager.default.removeItem(at: folder.appending(path: "a.jsonl"))
      #expect(try clues(score + ["grand", "-o", "a.jsonl"], in: folder).status == 0)
      try FileManager.default.removeItem(at: folder.appending(path: "a.origin.json"))
      try FileManager.default.copyItem(
        at: folder.appending(path: "b.origin.json"), to: folder.appending(path: "a.origin.json"))
      let result = try clues(["select", "a.jsonl"], in: folder)
      #expect(result.status == 65)
      #expect(result.errors.contains("is the origin of other scores"), "\(result.errors)")
    }
  }

  @Test func whatIsNoFileIsNotReplaced() throws {
    try withTemporaryFolder { folder in
      let result = try clues(
        ["score", fixture("tiny/c0"), "-q", "--scorer", "grand", "-o", "/dev/null", "--force"], in: folder)
      #expect(result.status == 73)
      #expect(result.errors.contains("is not a regular file, so it is not replaced"), "\(result.errors)")
      var status = stat()
      #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
    }
  }
}
