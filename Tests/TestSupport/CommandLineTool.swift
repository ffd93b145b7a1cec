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
  let process = Process()
  process.executableURL = URL(filePath: executable ?? cluesExecutable)
  process.arguments = arguments
  process.currentDirectoryURL = folder
  // A home of its own, so that nobody's installed plugins take part.
  var variables = ["PATH": "/usr/bin:/bin", "HOME": folder.path]
  variables.merge(environment) { $1 }
  process.environment = variables
  let (output, errors) = (Pipe(), Pipe())
  process.standardOutput = output
  process.standardError = errors
  process.standardInput = FileHandle.nullDevice
  try process.run()
  // Both pipes at once: a full one would stop the other.
  nonisolated(unsafe) var text = Data()
  let reading = DispatchWorkItem { text = errors.fileHandleForReading.readDataToEndOfFile() }
  DispatchQueue.global().async(execute: reading)
  let result = output.fileHandleForReading.readDataToEndOfFile()
  reading.wait()
  process.waitUntilExit()
  return CommandResult(
    status: process.terminationStatus, output: String(decoding: result, as: UTF8.self),
    errors: String(decoding: text, as: UTF8.self))
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
