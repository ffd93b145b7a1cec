import Glibc
import SystemPackage

/// A repository of the Hugging Face Hub as people write it, `org/name` or `org/name@revision`, and its place in the local cache
/// of huggingface_hub. Nothing is downloaded.
///
/// The cache: `models--org--name/refs/<revision>` holds the commit of a branch, `models--org--name/snapshots/<commit>` its files,
/// as links (https://huggingface.co/docs/huggingface_hub/guides/manage-cache).
package struct HubName: Equatable {
  package let repository: String
  package let revision: String?

  /// Nil if the text is not a name on the Hub, or is the path of something.
  package init?(_ written: String) {
    guard !FilePath(written).exists else { return nil }
    let pieces = written.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    guard pieces[0].wholeMatch(of: /[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*/) != nil, !pieces[0].contains("--") else {
      return nil
    }
    if pieces.count == 2 {
      // A revision names files, none of them outside the cache.
      guard pieces[1].wholeMatch(of: /[\w.-]+(\/[\w.-]+)*/) != nil,
        !pieces[1].split(separator: "/").contains(where: { $0.allSatisfy { $0 == "." } })
      else { return nil }
    }
    (repository, revision) = (String(pieces[0]), pieces.count == 2 ? String(pieces[1]) : nil)
  }

  /// The folder of the repository's files; nil if the cache does not have them.
  ///
  /// - parameter variable: The value of an environment variable.
  package func snapshot(_ variable: (String) -> String? = ownVariable) -> FilePath? {
    guard let cache = Self.cache(variable) else { return nil }
    let folder = cache.appending("models--" + repository.replacing("/", with: "--"))
    let revision = revision ?? "main"
    // A revision is a branch, a tag, or a commit itself.
    let commit = Self.firstLine(of: folder.appending("refs").appending(revision)) ?? revision
    guard commit.wholeMatch(of: /[\w.-]+/) != nil, commit != "..", commit != "." else { return nil }
    let snapshot = folder.appending("snapshots").appending(commit)
    return snapshot.isFolder ? snapshot : nil
  }

  /// How to get the files.
  package var advice: String {
    "'\(repository)' is not in the local cache of the Hugging Face Hub, and Clues downloads nothing: fetch it with "
      + "`hf download \(repository)\(revision.map { " --revision \($0)" } ?? "")`, or give the path of its folder"
  }

  /// The path that is meant: that of a repository's files in the cache, or the text itself.
  package static func path(_ written: String) -> String { HubName(written)?.snapshot()?.string ?? written }

  private static func cache(_ variable: (String) -> String?) -> FilePath? {
    func folder(_ name: String) -> FilePath? { variable(name).flatMap { $0.isEmpty ? nil : FilePath($0).absolute } }
    return folder("HF_HUB_CACHE") ?? folder("HUGGINGFACE_HUB_CACHE") ?? folder("HF_HOME")?.appending("hub")
      ?? folder("XDG_CACHE_HOME")?.appending("huggingface/hub") ?? folder("HOME")?.appending(".cache/huggingface/hub")
  }

  /// A short text in a file; nil if there is none.
  private static func firstLine(of path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 256)
    guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 else { return nil }
    return String(validating: bytes[..<count], as: UTF8.self)?.split(whereSeparator: \.isWhitespace).first.map(
      String.init)
  }
}

/// An environment variable of this process.
package func ownVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

extension FilePath {
  /// The name of the repository of which this is a snapshot in the Hub's cache; nil for any other folder.
  package var hubRepository: String? {
    let snapshots = folder
    guard snapshots.name == "snapshots", snapshots.folder.name.hasPrefix("models--") else { return nil }
    return snapshots.folder.name.split(separator: "--").last.map(String.init)
  }
}
