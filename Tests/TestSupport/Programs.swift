import Diagnostics
import Foundation

/// Starts a program with nothing to read: one at a path, or one by a name that is looked for in PATH.
///
/// - parameters:
///   - folder: The current directory.
///   - environment: That of the tests where nil.
///   - output: A `Pipe` or `FileHandle`, as `Process` takes them.
public func start(
  _ program: String, _ arguments: [String] = [], in folder: URL? = nil, environment: [String: String]? = nil,
  output: Any = FileHandle.nullDevice, errors: Any = FileHandle.nullDevice
) throws -> Process {
  let process = Process()
  let isPath = program.contains("/")
  process.executableURL = URL(filePath: isPath ? program : "/usr/bin/env")
  process.arguments = isPath ? arguments : [program] + arguments
  if let folder { process.currentDirectoryURL = folder }
  if let environment { process.environment = environment }
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = output
  process.standardError = errors
  try process.run()
  return process
}

/// Runs a program to its end, and gives all that it wrote.
public func run(
  _ program: String, _ arguments: [String] = [], in folder: URL? = nil, environment: [String: String]? = nil
) throws -> CommandResult {
  let (output, errors) = (Pipe(), Pipe())
  let process = try start(program, arguments, in: folder, environment: environment, output: output, errors: errors)
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

/// What a program prints to standard output; it must succeed.
@discardableResult
public func output(_ program: String, _ arguments: [String] = []) throws -> String {
  let result = try run(program, arguments)
  guard result.status == 0 else {
    throw Failure(
      .badData,
      """
      \(program) \(arguments.joined(separator: " ")) gave \(result.status)
      \(result.output)\(result.errors)
      """)
  }
  return result.output
}
