import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Files

/// `org/name` is looked up in the local cache of huggingface_hub, as huggingface_hub lays it out.
@Suite struct HubNameTests {
  private let commit = String(repeating: "0a", count: 20)

  private func withCache(_ body: (_ hub: URL, _ environment: [String: String]) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let repository = folder.appending(path: "hub/models--acme--lora-medical")
      let files = FileManager.default
      try files.createDirectory(
        at: repository.appending(path: "snapshots/\(commit)"), withIntermediateDirectories: true)
      try files.createDirectory(at: repository.appending(path: "refs/refs/pr"), withIntermediateDirectories: true)
      for reference in ["main", "refs/pr/1"] {
        try Data(commit.utf8).write(to: repository.appending(path: "refs/\(reference)"))
      }
      try body(folder.appending(path: "hub"), ["HF_HOME": folder.path])
    }
  }

  @Test(arguments: [
    "acme/lora-medical", "acme/lora-medical@main", "acme/lora-medical@refs/pr/1", "acme/lora-medical@COMMIT",
  ])
  func `what is in the cache is found`(_ written: String) throws {
    try withCache { hub, environment in
      let name = try #require(HubName(written.replacing("COMMIT", with: commit)))
      let snapshot = try #require(name.snapshot { environment[$0] })
      #expect(snapshot.string == hub.path + "/models--acme--lora-medical/snapshots/" + commit)
      #expect(snapshot.hubRepository == "lora-medical")
      let others = ["HF_HUB_CACHE": hub.path, "HF_HOME": "/nowhere"]
      #expect(name.snapshot { others[$0] } == snapshot)
    }
  }

  @Test func `what is not there is told how to fetch`() throws {
    try withCache { _, environment in
      for written in ["acme/lora-legal", "acme/lora-medical@v2"] {
        let name = try #require(HubName(written))
        #expect(name.snapshot { environment[$0] } == nil)
      }
      #expect(HubName("acme/lora-medical@v2")?.advice.contains("hf download acme/lora-medical --revision v2") == true)
    }
  }

  @Test(arguments: [
    "name", "/acme/name", "./acme/name", "../name", "acme/../name", "a/b/c", "acme/name@", "acme/name@../..",
    "acme/name@a/../b",
    "acme/na me", "acme/.hidden", "a--b/c", "", "acme/",
  ])
  func `other texts are paths`(_ written: String) { #expect(HubName(written) == nil) }

  @Test func `a reference leads nowhere but to a snapshot`() throws {
    try withCache { hub, environment in
      let name = try #require(HubName("acme/lora-medical"))
      for text in ["../../..", "..", "/etc", "", "a b\nc"] {
        try Data(text.utf8).write(to: hub.appending(path: "models--acme--lora-medical/refs/main"))
        #expect(name.snapshot { environment[$0] } == nil, "\(text)")
      }
    }
  }

  @Test func `an existing folder of that name wins`() throws {
    try withTemporaryFolder { folder in
      try FileManager.default.createDirectory(at: folder.appending(path: "a"), withIntermediateDirectories: true)
      #expect(HubName(folder.path + "/a") == nil)
    }
  }
}
