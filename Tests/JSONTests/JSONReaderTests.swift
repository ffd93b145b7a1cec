import Diagnostics
import JSON
import TestSupport
import Testing

@Suite struct JSONReaderTests {
  func failure(_ text: String, _ reader: JSONReader = .init()) -> Failure? {
    #expect(throws: Failure.self) { try reader.read(text) }
  }

  @Test(
    arguments: [
      ("null", .null), (" true ", true), ("\tfalse\r\n", false), ("0", 0), ("-0", 0), ("-12", -12),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("1.0", .number(1)), ("1e2", .number(100)),
      ("-1.5E-3", .number(-0.0015)), ("5e-324", .number(.leastNonzeroMagnitude)), ("1e-400", .number(0)),
      ("0.1", .number(0.1)), (#""""#, ""), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
      (#""\u00e9\uD83D\uDE00\u0000""#, "é😀\0"), ("\"ü\u{7f}\"", "ü\u{7f}"), ("[]", []), ("[ 1 ,2]", [1, 2]),
      ("{}", [:]), (#"{ "b" : 1 , "a" : [ { } ] }"#, ["b": 1, "a": [[:]]]),
    ] as [(String, JSONValue)])
  func reads(_ text: String, _ value: JSONValue) throws {
    #expect(try JSONReader().read(text) == value)
  }

  @Test func valuesThatSayTheSameAreEquivalent() {
    let value: JSONValue = ["a": [1, ["x": 0.5, "y": .null]], "b": 8]
    #expect(value.isEquivalent(to: ["b": 8.0, "a": [1, ["y": .null, "x": 0.5]]]))
    for other: JSONValue in [
      ["a": [["x": 0.5, "y": .null], 1], "b": 8], ["a": [1, ["x": 0.5]], "b": 8],
      ["a": [1, ["x": 0.5, "y": .null]], "b": "8"], ["a": [1, ["x": 0.5, "y": .null]], "b": 8, "c": .null], .null,
    ] {
      #expect(!value.isEquivalent(to: other) && !other.isEquivalent(to: value))
    }
  }

  @Test(arguments: [
    ("", "unexpected end of JSON"), (" ", "unexpected end of JSON"), ("[", "unexpected end of JSON"),
    ("nul", "expected a JSON value"), ("True", "expected a JSON value"),
    ("'a'", "expected a JSON value"), ("\u{feff}1", "expected a JSON value"),
    ("+1", "expected a JSON value"), (".5", "expected a JSON value"),
    ("[,1]", "expected a JSON value"), ("[1,]", "expected a JSON value"),
    ("/**/1", "expected a JSON value"), ("1 2", "unexpected text after the end of the JSON value"),
    ("{}}", "unexpected text after the end of the JSON value"),
    ("0x1", "unexpected text after the end of the JSON value"),
    ("-", "expected a digit"), ("01", "a number cannot start with 0"), ("-01", "a number cannot start with 0"),
    ("1.", "expected a digit after the decimal point"), ("1.e1", "expected a digit after the decimal point"),
    ("1e", "expected a digit in the exponent"), ("1e+-1", "expected a digit in the exponent"),
    ("1e400", "the number 1e400 is out of range"), ("NaN", "NaN is not a JSON number"),
    ("[-Infinity]", "-Infinity is not a JSON number"), ("[1 2]", "expected ',' or ']'"),
    ("[1", "expected ',' or ']'"), ("{1: 2}", "expected a key in double quotes"),
    ("{\"a\": 1,}", "expected a key in double quotes"), ("{", "expected a key in double quotes"),
    ("{\"a\" 1}", "expected ':' after the key"), ("{\"a\": 1", "expected ',' or '}'"),
    ("{\"a\": 1, \"a\": 1}", "duplicate key 'a'"), ("\"a", "unterminated string"),
    ("\"a\\", "unterminated string"), ("\"\\x\"", "invalid escape"),
    ("\"\n\"", "a string contains a control character"), ("\"\\n\n\"", "a string contains a control character"),
    ("\"\\u12\"", "expected four hexadecimal digits after \\u"),
    ("\"\\u+123\"", "expected four hexadecimal digits after \\u"),
    ("\"\\u", "expected four hexadecimal digits after \\u"),
    ("\"\\ud800\"", "unpaired surrogate"),
    ("\"\\ud800\\u0041\"", "unpaired surrogate"),
    ("\"\\udc00\"", "unpaired surrogate"),
  ])
  func refuses(_ text: String, _ message: String) {
    let failure = failure(text)
    #expect(failure?.message == message)
    #expect(failure?.kind == .badData)
    #expect(failure?.position != nil)
  }

  @Test func placesCountFromOneInBytes() {
    #expect(failure("{\n  \"a\": tru}")?.position == .init(line: 2, column: 8))
    #expect(failure("")?.position == .init(line: 1, column: 1))
    #expect(failure("{\"a\": 1,\n \"a\": 2}")?.position == .init(line: 2, column: 2))
  }

  @Test(
    arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xED, 0xA0, 0x80, 0x22]] as [[UInt8]])
  func refusesTextThatIsNoUTF8(_ bytes: [UInt8]) {
    #expect(throws: Failure(.badData, "a string is not valid UTF-8", position: .init(line: 1, column: bytes.count))) {
      try bytes.withUnsafeBytes { try JSONReader().read($0) }
    }
  }

  @Test func keepsTheOrderOfKeys() throws {
    let keys = (0..<200).map { "key\(($0 * 37) % 200)" }
    let text = "{" + keys.map { "\"\($0)\": 0" }.joined(separator: ",") + "}"
    #expect(try JSONReader().read(text).objectValue?.keys == keys)
  }

  @Test func takesPythonsNumbersWhereTold() throws {
    var reader = JSONReader()
    reader.takesNonFiniteNumbers = true
    let values = try reader.read("[NaN, Infinity, -Infinity]").arrayValue
    #expect(values?[0].doubleValue?.isNaN == true)
    #expect(values?[1] == .number(.infinity))
    #expect(values?[2] == .number(-.infinity))
    #expect(failure("nan", reader) != nil)
  }

  @Test func boundsDepthAndSize() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSONReader().read(nested(65))
    #expect(failure(nested(66))?.message == "the JSON is nested deeper than 64 levels")
    #expect(
      failure(String(repeating: "{\"a\":", count: 1_000_000))?.message == "the JSON is nested deeper than 64 levels")
    var reader = JSONReader()
    reader.limits[.jsonValues] = 3
    _ = try reader.read("[1, 2]")
    #expect(failure("[1, 2, 3]", reader)?.message == "the JSON has more than 3 values")
  }

  @Test func readsLinesWithTheirNumbers() throws {
    func lines(_ text: String) throws -> [(JSONValue, Int)] {
      var found: [(JSONValue, Int)] = []
      var text = text
      try text.withUTF8 { try JSONReader().readLines(UnsafeRawBufferPointer($0)) { found.append(($0, $1)) } }
      return found
    }
    let found = try lines("{\"a\": 1}\r\n\n \t\n2\n[3]")
    #expect(found.map(\.0) == [["a": 1], 2, [3]])
    #expect(found.map(\.1) == [1, 4, 5])
    #expect(try lines("").isEmpty)
    #expect(throws: Failure(.badData, "unexpected end of JSON", position: .init(line: 3, column: 5))) {
      try lines("1\n2\n[1, ")
    }
  }

  /// Swift's strings take both keys for the same text.
  @Test func tablesKeepKeysThatAreEquivalent() throws {
    let text = #"{"vocab": {"\u00e9": 1, "e\u0301": 2, "x": {"vocab": {}}, "x": 4}, "other": {"vocab": [5]}}"#
    var reader = JSONReader()
    #expect(failure(text, reader)?.message.contains("a key is spelled in two ways") == true)
    reader.keysOfTables = ["vocab"]
    let vocabulary: JSONValue = [["\u{e9}", 1], ["e\u{301}", 2], ["x", ["vocab": []]], ["x", 4]]
    #expect(try reader.read(text) == ["vocab": vocabulary, "other": ["vocab": [5]]])
    for (text, words) in [
      (#"{"vocab": {"a" 1}}"#, "expected ':'"), (#"{"vocab": {"a": 1,}}"#, "expected a key in double quotes"),
      (#"{"vocab": {"a": 1 "b": 2}}"#, "expected ',' or '}'"),
      (#"{"vocab": {"a": 1"#, "expected ',' or '}'"),
      (#"{"vocab": {"#, "expected a key in double quotes"),
    ] {
      #expect(failure(text, reader)?.message.contains(words) == true, "\(text)")
    }
    reader.limits[.jsonDepth] = 2
    #expect(failure(text, reader)?.message.contains("nested deeper") == true)
  }
}

extension JSONReaderTests {
  @Test func twoSpellingsOfAKeyAreShownEscaped() {
    expectFailure(.badData, "a key is spelled in two ways, 'caf\\u{e9}' and 'cafe\\u{301}'") {
      try JSONReader().read("{\"caf\u{E9}\": 1, \"cafe\u{301}\": 2}")
    }
  }
}
