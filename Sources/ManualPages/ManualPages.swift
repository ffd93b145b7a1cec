import Diagnostics
import Files
import Foundation
import JSON
import SystemPackage

/// Makes the manual pages out of the definitions that the command line itself works from.
///
/// `clues --experimental-dump-help | ManualPages VERSION FOLDER` writes one page for every command.
@main
struct ManualPages {
  static func main() {
    do {
      let arguments = CommandLine.arguments.dropFirst()
      guard let version = arguments.first, let folder = arguments.dropFirst().first else {
        throw Failure(.usage, "give the version and the folder for the pages")
      }
      let dump = try StreamReader(STDIN_FILENO, subject: "standard input").bytes()
      guard let root = try JSONReader().read(String(decoding: dump, as: UTF8.self)).objectValue?["command"] else {
        throw Failure(.badData, "standard input is no dump of a command's help")
      }
      try makeFolder(FilePath(folder), for: folder)
      try write(Command(help: root), to: FilePath(folder), version: version)
    } catch let failure as Failure {
      fail(failure.description, failure.kind.exitCode)
    } catch {
      fail("error: \(error.localizedDescription)", Failure.Kind.cannotWrite.exitCode)
    }
  }

  private static func write(_ command: Command, to folder: FilePath, version: String) throws {
    try writeWhole(command.page(version: version), to: folder.appending(command.pageName + ".1").string)
    for subcommand in command.subcommands { try write(subcommand, to: folder, version: version) }
  }

  private static func fail(_ text: String, _ code: Int32) -> Never {
    _ = writeAll(text + "\n", to: STDERR_FILENO)
    exit(code)
  }
}
