import Foundation
import JSON
import TestSupport
import Testing

/// Options that say how a command works, not what it makes.
@Suite struct OptionTests {
  @Test func `colour is as it is asked for`() throws {
    func errors(_ color: String, _ environment: [String: String]) throws -> String {
      try clues(["inspect", "nowhere", "--color", color], environment: environment).errors
    }
    #expect(try errors("always", ["NO_COLOR": "1"]).contains("\u{1B}["))
    #expect(try !errors("never", ["CLICOLOR_FORCE": "1"]).contains("\u{1B}["))
    #expect(try errors("auto", ["CLICOLOR_FORCE": "1"]).contains("\u{1B}["))
    #expect(try !errors("auto", [:]).contains("\u{1B}["))
    #expect(try clues(["inspect", "nowhere", "--color", "red"]).status == 64)
  }

  @Test func `pack writes the name and the domain that it is given`() throws {
    try withTemporaryFolder { folder in
      let packed = try clues(
        ["pack", fixture("tiny/c0"), "-o", "x.zip", "--client", "clinic", "--domain", "c1"], in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      let inspected = try JSONReader().read(clues(["inspect", "x.zip", "--json"], in: folder).output).objectValue
      #expect(inspected?["client"] == "clinic")
      #expect(inspected?["domain"] == "c1")
    }
  }

  @Test(arguments: [
    ("--plugin-memory", "0", "from 1 to"), ("--plugin-memory", "1048577", "from 1 to"),
    ("--plugin-time", "0", "from 1 to"), ("--plugin-time", "1000001", "from 1 to"),
  ])
  func `bounds of plugins have bounds`(_ option: String, _ value: String, _ says: String) throws {
    try withTemporaryFolder { folder in
      let merge = ["merge", fixture("tiny/c0"), fixture("tiny/c1"), "--method", "average", "-o", "out", "-q"]
      let refused = try clues(merge + [option, value], in: folder)
      #expect(refused.status == 64)
      #expect(refused.errors.contains("\(option) must be \(says)"), "\(refused.errors)")
      let taken = try clues(merge + [option, "64"], in: folder)
      #expect(taken.status == 0, "\(taken.errors)")
    }
  }

  @Test(arguments: ["0", "100001"]) func `the time of a check has bounds`(_ value: String) throws {
    let refused = try clues(["plugins", "check", "nothing.so", "--time-limit", value])
    #expect(refused.status == 64)
    #expect(refused.errors.contains("--time-limit must be from 1 to 100000 seconds"), "\(refused.errors)")
  }
}
