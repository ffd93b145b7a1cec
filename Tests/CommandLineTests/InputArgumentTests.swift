import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import clues

@Suite struct InputArgumentTests {
  @Test func `a name after a hash is an adapter's unless the path is there`() throws {
    try withTemporaryFolder { folder in
      try folder.fill(["model/x": "", "odd#name/x": ""])
      let (model, odd) = (folder.appending(path: "model").path, folder.appending(path: "odd#name").path)
      func read(_ argument: String) -> [String?] { [InputArgument(argument).path, InputArgument(argument).adapter] }
      #expect(read(model) == [model, nil])
      #expect(read(model + "#math") == [model, "math"])
      #expect(read(odd) == [odd, nil])
      #expect(read(odd + "#math") == [odd, "math"])
      // What is nowhere stays as it was written, so that the error names it so.
      #expect(read("nowhere#math") == ["nowhere#math", nil])
      #expect(read(model + "#") == [model + "#", nil])
    }
  }

  @Test func `names are for all inputs or for each`() throws {
    try withTemporaryFolder { folder in
      try folder.fill(["a/x": "", "b/x": ""])
      let inputs = ["a", "b"].map { folder.appending(path: $0).path }
      #expect(try InputArgument.all(inputs, adapters: ["m"]).map(\.adapter) == ["m", "m"])
      #expect(try InputArgument.all(inputs, adapters: ["m", "n"]).map(\.adapter) == ["m", "n"])
      let many = try failure { try InputArgument.all(inputs, adapters: ["m", "n", "o"]) }
      #expect(many.kind == .usage && many.message == "--adapter is given 3 times for 2 inputs")
      let both = try failure { try InputArgument.all([inputs[0] + "#n"], adapters: ["m"]) }
      #expect(both.kind == .usage && both.message.contains("--adapter m another"))
    }
  }

  @Test func `two adapters of one bundle are two clients`() throws {
    try withTemporaryFolder { folder in
      let model = try folder.appending(path: "model").fill(["x": ""]).path
      let clients = try InputArgument.all(["\(model)#a", "\(model)#b"], adapters: []).clients.arrayValue ?? []
      #expect(clients.map { $0.objectValue?["name"] } == ["model#a", "model#b"])
      let one = try InputArgument.all(["\(model)#a"], adapters: []).clients.arrayValue ?? []
      #expect(one.map { $0.objectValue?["name"] } == [nil])
    }
  }
}
