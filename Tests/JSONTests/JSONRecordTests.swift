import Diagnostics
import JSON
import TestSupport
import Testing

/// A record is declared once, and reads what it wrote.
@Suite struct JSONRecordTests {
  private enum Color: String, CaseIterable { case red, green }

  private struct Point: JSONRecord, Equatable {
    var x = 0.0
    var limit = 0.0
    static let fields: [JSONField<Self>] = [.key("x", \.x, .number), .optional("limit", \.limit, .extended)]
  }

  private struct Drawing: JSONDocument {
    var name = ""
    var count = 7
    var note: String?
    var hint: String?
    var color = Color.red
    var points: [Point] = []
    var sizes: [(key: String, value: Double?)] = []
    var places: [String: Int] = [:]
    var point: Point?

    static let schema = "test/drawing/2"
    static let foreign = Failure(.badData, "is no drawing", advice: "draw one")
    static let fields: [JSONField<Self>] = [
      .key("name", \.name, .text), .optional("count", \.count, .count), .optional("note", \.note, .text),
      .optional("hint", \.hint, .text, isWritten: false), .key("color", \.color, .word),
      .key("points", \.points, .list(of: .record)), .optional("sizes", \.sizes, .map(of: .numberOrNull)),
      .unlessEmpty("places", \.places, .dictionary(of: .count)), .inline(\.point, where: "x"),
    ]
  }

  private static let least: JSONObject = [
    "schema": "test/drawing/2", "name": "a", "color": "green", "points": [["x": 1]],
  ]

  private func drawing(_ change: (inout JSONObject) -> Void) throws -> Drawing {
    var object = Self.least
    change(&object)
    return try Drawing(document: .object(object))
  }

  @Test func `what is written reads back, in the order of the declaration`() throws {
    var drawing = try drawing { _ in }
    #expect(drawing.count == 7 && drawing.note == nil && drawing.points == [Point(x: 1)] && drawing.point == nil)
    let short =
      #"{"schema":"test/drawing/2","name":"a","count":7,"note":null,"color":"green","points":[{"x":1.0,"limit":0.0}],"#
      + #""sizes":{}}"#
    #expect(drawing.json.text() == short)
    drawing.note = "n"
    drawing.hint = "h"
    drawing.sizes = [("b", 2), ("a", nil)]
    drawing.places = ["z": 1, "y": 2]
    drawing.points = [Point(x: 1, limit: .infinity), Point(x: 2, limit: -.infinity)]
    drawing.point = Point(x: 9)
    let text = drawing.json.text()
    #expect(text.hasSuffix(#""sizes":{"b":2.0,"a":null},"places":{"y":2,"z":1},"x":9.0,"limit":0.0}"#))
    #expect(try Drawing(document: JSONReader().read(text)).json.text() == text)
    // What a later version may have added is passed over.
    #expect(try self.drawing { $0["new"] = [1] }.name == "a")
  }

  @Test func `a number that is none is written as null`() {
    #expect(Point(x: .nan).json == ["x": .null, "limit": 0.0])
  }

  @Test func `another document is refused`() throws {
    for schema: JSONValue? in ["test/drawing/1", "test/drawing/3", 2, .null, nil] {
      #expect(throws: Drawing.foreign) { try drawing { $0["schema"] = schema } }
    }
    #expect(throws: Drawing.foreign) { try Drawing(document: []) }
  }

  @Test(
    arguments: [
      ("name", nil, "'name' is missing, where a string is expected"), ("name", .null, "'name' is null, not a string"),
      ("name", 1, "'name' is a number, not a string"), ("count", -1, "'count' is -1, not a whole number of at least 0"),
      ("count", 1.5, "'count' is 1.5, not a whole number of at least 0"),
      ("color", "blue", "'color' is 'blue', not 'red' or 'green'"),
      ("points", ["x": 1], "'points' is an object, not a list"),
      ("points", [["x": 1], 2], "'points[1]' is a number, not an object"),
      ("points", [["x": 1], ["x": "1"]], "'points[1].x' is a string, not a number"),
      ("sizes", ["a": ["b"]], "'sizes.a' is a list, not a number"), ("x", true, "'x' is a boolean, not a number"),
      ("places", ["a": 1, "b": -2], "'places.b' is -2, not a whole number of at least 0"),
    ] as [(String, JSONValue?, String)])
  func `an error says where which value is not what is expected`(key: String, value: JSONValue?, message: String) throws
  {
    let failure = try failure { try drawing { $0[key] = value } }
    #expect(failure.message == message && failure.kind == .badData && failure.advice == "draw one")
  }

  @Test func `the way may begin with a name`() throws {
    var object = Self.least
    object["points"] = [["x": []]]
    let failure = try failure { try Drawing(document: .object(object), named: "drawing.json") }
    #expect(failure.message == "drawing.json.points[0].x is a list, not a number")
    expectFailure(.badData, "point is a list, not an object") { try Point([], named: "point") }
  }
}
