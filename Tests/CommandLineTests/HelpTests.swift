import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

/// What a user learns from the program itself.
@Suite struct HelpTests {
  /// The words that lead to every command, from the definitions themselves.
  static let commands: [[String]] = {
    func paths(_ command: JSONObject, below parents: [String]) -> [[String]] {
      let children = command["subcommands"]?.arrayValue?.compactMap(\.objectValue) ?? []
      return [parents]
        + children.flatMap { child -> [[String]] in
          let name = child["commandName"]?.stringValue ?? ""
          return name == "help" ? [] : paths(child, below: parents + [name])
        }
    }
    let dump = try! clues(["--experimental-dump-help"]).output
    return paths(try! JSONReader().read(dump).objectValue!["command"]!.objectValue!, below: [])
  }()

  @Test func `there are commands`() { #expect(Self.commands.count > 15) }

  @Test(arguments: commands) func `help has an example and fits on the page`(_ command: [String]) throws {
    let result = try clues(command + ["--help"])
    #expect(result.status == 0)
    for line in result.output.components(separatedBy: "\n") { #expect(line.count <= 80, "\(line)") }
    let example = command.isEmpty ? "  clues run " : "  clues " + command.joined(separator: " ")
    #expect(result.output.contains(example), "\(command) shows no example of itself")
  }

  @Test func `all exit codes are explained`() throws {
    let text = try clues(["--help"]).output
    for kind in Failure.Kind.allCases {
      #expect(text.contains(try Regex("\n *\(kind.exitCode)  [a-z]")), "\(kind)")
    }
  }

  @Test(arguments: commands) func `every command has a page of the manual with all its options`(_ command: [String])
    throws
  {
    try withTemporaryFolder { folder in
      let make = "'\(cluesExecutable)' --experimental-dump-help | '\(manualPages)' 1.2.3 man"
      #expect(try clues(["-c", make], in: folder, executable: "/bin/sh").status == 0)
      let page = folder.appending(path: "man/" + (["clues"] + command).joined(separator: "-") + ".1")
      let text = try String(contentsOf: page, encoding: .utf8)
      #expect(
        text.hasPrefix(".TH \"CLUES") && text.contains("1.2.3") && text.contains(".SH EXAMPLES") || command.isEmpty)
      for option in try clues(command + ["--help"]).output.matches(of: /\n  (?:-[a-z], )?(--[a-z0-9-]+)/) {
        #expect(text.contains("\\fB" + option.1.replacing("-", with: "\\-") + "\\fR"), "\(option.1)")
      }
      // No line is mistaken for a request.
      let requests = Set(text.matches(of: /(?m)^[.']([A-Z]*)/).map { String($0.1) })
      #expect(requests.isSubset(of: ["TH", "SH", "TP", "PP", "EX", "EE"]))
    }
  }

  private let manualPages = URL(filePath: cluesExecutable).deletingLastPathComponent().path + "/ManualPages"
}
