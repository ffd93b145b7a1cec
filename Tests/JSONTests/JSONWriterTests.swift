import JSON
import Testing

@Suite struct JSONWriterTests {
  let value: JSONValue = [
    "b": [1, .number(2), 2.5, .null, true], "a": [:], "ä\u{1}": "q\"\\\n\r\t\u{7f}ü/", "Z": [["c": []]],
  ]

  @Test func writesOneLine() {
    #expect(
      value.text()
        == #"{"b":[1,2.0,2.5,null,true],"a":{},"ä\u0001":"q\"\\\n\r\t\u007fü/","Z":[{"c":[]}]}"#)
  }

  @Test func writesIndentedAndSorted() {
    #expect(
      value.text(indented: true, sorted: true) == #"""
        {
          "Z": [
            {
              "c": []
            }
          ],
          "a": {},
          "b": [
            1,
            2.0,
            2.5,
            null,
            true
          ],
          "ä\u0001": "q\"\\\n\r\t\u007fü/"
        }
        """#)
  }

  /// Who prints the text on a terminal is not steered by it.
  @Test func whatSteersATerminalIsWrittenOut() {
    #expect(
      JSONValue.string("\u{9B}2J\u{202E}x\u{2028}é語").text() == #""\u009b2J\u202ex\u2028é語""#)
  }

  @Test func everyTextReadsBackAsItself() throws {
    #expect(try JSONReader().read(value.text()) == value)
    #expect(try JSONReader().read(value.text(indented: true)) == value)
    let everyScalar = String(String.UnicodeScalarView((0..<0x3000).compactMap { Unicode.Scalar($0) }))
    #expect(try JSONReader().read(JSONValue.string(everyScalar).text()) == .string(everyScalar))
  }

  @Test func everyNumberReadsBackWithTheSameBits() throws {
    var random = SystemRandomNumberGenerator()
    let special = [0.0, -0.0, 0.1, 1e16, 1e17, 1e-7, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude, -1e300]
    let doubles = special + (0..<2000).map { _ in Double(bitPattern: random.next()) }.filter(\.isFinite)
    for double in doubles {
      let read = try JSONReader().read(JSONValue.number(double).text()).doubleValue
      #expect(read?.bitPattern == double.bitPattern, "\(double)")
    }
  }
}

@Suite struct JSONObjectTests {
  @Test func settingAndRemovingKeepsTheOrder() {
    var object: JSONObject = ["a": 1, "b": 2, "c": 3]
    object["b"] = nil
    object["d"] = 4
    object["a"] = 5
    object["x"] = nil
    #expect(object == ["a": 5, "c": 3, "d": 4])
    #expect(object.keys == ["a", "c", "d"])
    #expect(object["c"] == 3)
    #expect(object != ["c": 3, "a": 5, "d": 4])
  }

  @Test func numbersConvertWhereNothingIsLost() {
    #expect(JSONValue.number(8).intValue == 8)
    #expect(JSONValue.number(8.5).intValue == nil)
    #expect(JSONValue.number(1e300).intValue == nil)
    #expect(JSONValue.integer(8).doubleValue == 8)
    #expect(JSONValue.bool(true).intValue == nil)
    #expect(JSONValue.string("8").doubleValue == nil)
  }
}
