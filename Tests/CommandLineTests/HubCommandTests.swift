import Foundation
import TestSupport
import Testing

/// Adapters and models in the local cache of the Hugging Face Hub are named as on the Hub.
@Suite struct HubCommandTests {
  /// A cache as huggingface_hub makes it: files are links to blobs.
  private func cache(_ repository: String, of source: String, in folder: URL) throws {
    let files = FileManager.default
    let root = folder.appending(path: "hub/models--" + repository.replacing("/", with: "--"))
    let snapshot = root.appending(path: "snapshots/0123abc")
    for path in [snapshot, root.appending(path: "refs"), root.appending(path: "blobs")] {
      try files.createDirectory(at: path, withIntermediateDirectories: true)
    }
    try Data("0123abc".utf8).write(to: root.appending(path: "refs/main"))
    for name in try files.contentsOfDirectory(atPath: source) where name != "adapter" {
      try files.copyItem(atPath: "\(source)/\(name)", toPath: root.path + "/blobs/\(name)")
      try files.createSymbolicLink(
        atPath: snapshot.path + "/\(name)", withDestinationPath: "../../blobs/\(name)")
    }
  }

  @Test func `repositories are merged, measured against, and named in the record`() throws {
    try withTemporaryFolder { folder in
      try cache("acme/one", of: fixture("models/qwen2/adapter"), in: folder)
      try cache("acme/base", of: fixture("models/qwen2"), in: folder)
      let environment = ["HF_HOME": folder.path]
      let merged = try clues(
        [
          "merge", "acme/one@main", fixture("models/qwen2/adapter"), "--method", "average", "--format", "gguf",
          "--base", "acme/base", "-o", "out",
        ], in: folder, environment: environment)
      try #require(merged.status == 0, "\(merged.errors)")
      let record = try String(contentsOf: folder.appending(path: "out/clues/run.json"), encoding: .utf8)
      #expect(record.contains("models--acme--one/snapshots/0123abc") && record.contains(#""name": "one""#), "\(record)")
      #expect(record.contains("models--acme--base/snapshots/0123abc"))
      let repeated = try clues(["run", "out", "-o", "again"], in: folder, environment: environment)
      #expect(repeated.status == 0, "\(repeated.errors)")
      let converted = try clues(
        ["convert", "acme/one", "--base", "acme/base", "-o", "one.gguf"], in: folder, environment: environment)
      #expect(converted.status == 0, "\(converted.errors)")
    }
  }

  @Test(arguments: ["acme/two", "acme/one@v2"])
  func `what the cache lacks is refused with the command that fetches it`(name: String) throws {
    try withTemporaryFolder { folder in
      try cache("acme/one", of: fixture("models/qwen2/adapter"), in: folder)
      let environment = ["HF_HOME": folder.path]
      for arguments in [
        ["merge", name, "--method", "average", "-o", "out"],
        ["convert", fixture("models/qwen2/adapter"), "--base", name, "-o", "a.gguf"],
      ] {
        let result = try clues(arguments, in: folder, environment: environment)
        #expect(result.status == 66, "\(result.errors)")
        let command = "hf download " + name.replacing("@v2", with: " --revision v2")
        #expect(result.errors.contains(command), "\(result.errors)")
      }
    }
  }
}
