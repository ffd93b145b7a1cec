import Diagnostics
import Foundation
import JSON

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
      let dump = try FileHandle.standardInput.readToEnd() ?? Data()
      guard let root = try JSONReader().read(String(decoding: dump, as: UTF8.self)).objectValue?["command"] else {
        throw Failure(.badData, "standard input is no dump of a command's help")
      }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try write(Command(help: root), to: folder, version: version)
    } catch let failure as Failure {
      fail(failure.description, failure.kind.exitCode)
    } catch {
      fail("error: \(error.localizedDescription)", Failure.Kind.cannotWrite.exitCode)
    }
  }

  private static func write(_ command: Command, to folder: String, version: String) throws {
    let file = URL(filePath: folder).appending(path: command.pageName + ".1")
    try Data(command.page(version: version).utf8).write(to: file)
    for subcommand in command.subcommands { try write(subcommand, to: folder, version: version) }
  }

  private static func fail(_ text: String, _ code: Int32) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(code)
  }
}
