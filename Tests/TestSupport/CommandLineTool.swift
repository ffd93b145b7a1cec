import Foundation
import PluginHost

/// What a run of the built executable gave back.
public struct CommandResult {
  public let status: Int32
  public let output: String
  public let errors: String
}

/// The `clues` that commands are tested with: `CLUES`, as `make test` sets it to what users get, or the one that was built
/// along with the tests. That one checks itself while it runs and takes several times as long.
public let cluesExecutable = ProcessInfo.processInfo.environment["CLUES"] ?? siblingExecutable

/// The `clues` that was built along with the tests: what a test's own process starts as its worker, since both must come from
/// one build and find their libraries in the same folders.
public let siblingExecutable = PluginSearchPath.executableFolder + "/clues"

/// Runs ``cluesExecutable``.
///
/// - parameters:
///   - arguments: As the user would type them.
///   - folder: The current directory.
///   - executable: Another copy of it.
public func clues(
  _ arguments: [String], in folder: URL = repository, executable: String? = nil, environment: [String: String] = [:]
) throws -> CommandResult {
  // A home of its own, so that nobody's installed plugins take part.
  var variables = ["PATH": "/usr/bin:/bin", "HOME": folder.path]
  variables.merge(environment) { $1 }
  return try run(executable ?? cluesExecutable, arguments, in: folder, environment: variables)
}

/// A folder with the repository's recipes and sample bundles, where commands of the documents can be run.
public func withWorkingCopy<Result>(_ body: (URL) throws -> Result) throws -> Result {
  try withTemporaryFolder { folder in
    for name in ["recipes", "checkpoints"] {
      try FileManager.default.createSymbolicLink(
        at: folder.appending(path: name), withDestinationURL: repository.appending(path: name))
    }
    return try body(folder)
  }
}
