import Diagnostics
import Foundation
import JSON
import PluginHost
import TestSupport
import Testing

/// A compiler as the contract is to be understood by.
enum Compiler: String, CaseIterable, Sendable {
  case gcc, clang
  case gxx = "g++"

  var isInstalled: Bool { (try? run(rawValue, ["--version"]).status) == 0 }

  /// Compiles `source` to `output`, where every warning is an error.
  func compile(_ source: String, to output: String, _ options: [String] = []) throws {
    let language = self == .gxx ? ["-x", "c++", "-std=c++17"] : ["-std=c11"]
    let include = repository.appending(path: "Sources/CluesPluginABI/include").path
    let result = try run(
      rawValue,
      language + ["-pedantic", "-Wall", "-Wextra", "-Werror", "-I", include] + options
        + [source, "-o", output])
    guard result.status == 0 else { throw Failure(.badData, "\(rawValue) refuses \(source): \(result.errors)") }
  }

  /// Compiles a plugin as Documentation/PluginABI.md says.
  func compilePlugin(_ source: String, to output: String, _ definitions: [String] = []) throws {
    try compile(
      source, to: output, ["-shared", "-fPIC", "-fvisibility=hidden"] + definitions.map { "-D" + $0 })
  }
}

/// Compiles a fixture and lends the library twice: loaded into this process, and in workers.
///
/// Whoever asks it must not notice the difference.
@discardableResult
func withPlugin<Result>(
  _ name: String, by compiler: Compiler = .clang, _ definitions: [String] = [],
  _ body: (PluginLibraryFile) throws -> Result
) throws -> Result {
  try withTemporaryFolder { folder in
    let output = folder.appending(path: name + ".so").path
    try compiler.compilePlugin(fixture("plugins/\(name).c"), to: output, definitions)
    _ = try body(PluginLibraryFile(loading: output, as: output, digest: nil))
    try mark(output)
    return try body(UntrustedLibrary(path: output, trust: .empty).library(untrustedIn: workerSettings()))
  }
}
