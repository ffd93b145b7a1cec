import Foundation
import TestSupport
import Testing

/// Every command that a document shows in a block marked `sh` is run as it stands.
@Suite struct DocumentTests {
  struct Block: CustomTestStringConvertible, Sendable {
    let document: String
    let commands: [String]
    var testDescription: String { "\(document): \(commands.first ?? "")" }
  }

  static let blocks: [Block] = {
    ["README.md"].flatMap { document -> [Block] in
      let text = try! String(contentsOf: repository.appending(path: document), encoding: .utf8)
      return text.components(separatedBy: "```sh\n").dropFirst().map { rest in
        let body = rest.components(separatedBy: "\n```")[0]
        return Block(document: document, commands: body.components(separatedBy: "\n").filter { $0.hasPrefix("clues ") })
      }
    }
  }()

  @Test func `there are commands to run`() { #expect(Self.blocks.count >= 4) }

  @Test(arguments: blocks) func `runs`(_ block: Block) throws {
    try withWorkingCopy { folder in
      for command in block.commands {
        let result = try clues(command.split(separator: " ").dropFirst().map(String.init), in: folder)
        #expect(result.status == 0, "\(command): \(result.errors)")
      }
    }
  }
}
