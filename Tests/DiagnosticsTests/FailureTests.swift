import Diagnostics
import Testing

@Suite struct FailureTests {
  @Test func saysWhereWhatAndWhatNext() {
    let failure = Failure(
      .badData, "has rank 4", advice: "correct r", client: "c0", file: "a.tar:adapter.json",
      position: .init(line: 3, column: 7), tensor: "q_proj")
    #expect(
      failure.description
        == "a.tar:adapter.json:3:7: error: client 'c0', tensor 'q_proj': has rank 4\n  help: correct r")
    #expect(Failure(.usage, "no input").description == "error: no input")
    #expect(Failure(.usage, "no input", client: "c").description == "error: client 'c': no input")
  }

  @Test(
    arguments: [
      (Failure.Code.quoted, "plugin 'p': gave up"), (.breach, "plugin 'p' gave up"),
      (.worker, "the worker of plugin 'p' gave up"), (nil, "plugin 'p' gave up"),
    ] as [(Failure.Code?, String)]) func aPluginIsNamedInFrontOfTheMessage(_ code: Failure.Code?, _ statement: String)
  {
    let failure = Failure(.pluginFailed, "gave up", client: "c", plugin: "p", code: code)
    #expect(failure.statement == statement)
    #expect(failure.description == "error: client 'c': \(statement)")
    #expect(failure.at(tensor: "t").plugin == "p")
  }

  @Test func theInnermostPlaceStays() {
    #expect(throws: Failure(.badData, "is cut off", client: "c", file: "inner", tensor: "t")) {
      try locating(client: "c", file: "outer") {
        try locating(tensor: "t") { throw Failure(.badData, "is cut off", file: "inner") }
      }
    }
  }

  @Test func errorsOfOthersPassUnchanged() {
    struct Other: Error, Equatable {}
    #expect(throws: Other()) { try locating(file: "f") { throw Other() } }
  }

  @Test func noNameForgesALineOrSteersTheTerminal() {
    let failure = Failure(
      .badData, "holds \u{1b}[2J", advice: "rename\u{7f} it", client: "c\r", file: "f\nerror: all is lost",
      tensor: "a\u{202e}b\u{2028}c\u{9b}d\u{85}")
    #expect(
      failure.description == """
        f\\u{a}error: all is lost: error: client 'c\\u{d}', tensor 'a\\u{202e}b\\u{2028}c\\u{9b}d\\u{85}': \
        holds \\u{1b}[2J
          help: rename\\u{7f} it
        """)
  }

  @Test func printableLeavesOtherTextAlone() {
    let text = "größer 层 क 👩‍💻 \\u{1b}"
    #expect(printable(text) == text)
  }

  @Test func everyKindHasAnExitCodeOfItsOwn() {
    #expect(
      Failure.Kind.allCases.map(\.exitCode) == [64, 65, 66, 69, 70, 71, 73, 77, 78, 130])
  }
}
