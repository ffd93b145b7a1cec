import Diagnostics
import JSON
import PluginHost
import Testing

@Suite struct ParameterSchemaTests {
  let schema = """
    {"density": {"type": "number", "default": 0.2, "minimum": 0, "maximum": 1, "description": "Share.", "unit": "1",
                 "perInput": true},
     "rate": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 2},
     "steps": {"type": "integer", "default": 3, "minimum": 1},
     "mode": {"type": "string", "default": "fast", "enum": ["fast", "exact"]},
     "level": {"type": "number", "default": 1, "enum": [1, 2.5]},
     "note": {"type": "string", "default": null},
     "on": {"type": "boolean", "default": true}}
    """

  func values(_ settings: [String: JSONValue] = [:]) throws -> ParameterValues {
    try ParameterValues(settings, schema: ParameterSchema(text: schema), of: "plugin")
  }

  @Test func defaultsFillWhatNobodySet() throws {
    let values = try values(["steps": 8.0, "rate": 1])
    #expect(values.entries.map(\.name) == ["density", "level", "mode", "on", "rate", "steps"])
    #expect(values.entries.map(\.isDefault) == [true, true, true, true, false, false])
    #expect(values["steps"] == .integer(8))
    #expect(values["rate"] == .number(1))
    #expect(values["on"] == .boolean(true))
    #expect(values["note"] == nil)
    #expect(values.json == ["density": 0.2, "level": 1.0, "mode": "fast", "on": true, "rate": 1.0, "steps": 8])
  }

  @Test func oneNumberForEachInput() throws {
    var values = try values()
    values.set("density", numbers: [0.1, 0.9], isDefault: false)
    values.set("rate", numbers: [1], isDefault: true)
    #expect(values["density"] == .numbers([0.1, 0.9]))
    #expect(values.entries.map(\.name) == ["density", "level", "mode", "on", "rate", "steps"])
  }

  @Test(
    arguments: [
      ("density", 1.5, "'density' must be a number from 0 to 1, not 1.5"),
      ("density", -1, "'density' must be a number from 0 to 1, not -1"),
      ("density", .number(.nan), "'density' must be a number from 0 to 1, not a number that is not finite"),
      ("density", "0.5", "'density' must be a number from 0 to 1, not \"0.5\""),
      ("density", [0.5], "'density' must be a number from 0 to 1, not [0.5]"),
      ("rate", 0, "'rate' must be a number above 0 below 2, not 0"),
      ("rate", 2, "'rate' must be a number above 0 below 2, not 2"),
      ("steps", 0, "'steps' must be a whole number from 1, not 0"),
      ("steps", 1.5, "'steps' must be a whole number from 1, not 1.5"),
      ("steps", true, "'steps' must be a whole number from 1, not true"),
      ("mode", "slow", "'mode' must be one of fast, exact, not \"slow\""),
      ("mode", 1, "'mode' must be one of fast, exact, not 1"),
      ("level", 2, "'level' must be one of 1, 2.5, not 2"),
      ("note", 1, "'note' must be a text, not 1"), ("note", "a\0b", "'note' must be a text, not \"a\\u0000b\""),
      ("note", .null, "'note' must be a text, not null"), ("on", 1, "'on' must be true or false, not 1"),
    ] as [(String, JSONValue, String)])
  func refusesValues(_ name: String, _ value: JSONValue, _ message: String) {
    let failure = #expect(throws: Failure.self) { try values([name: value]) }
    #expect(failure?.message == message)
    #expect(failure?.kind == .badRecipe)
    if name == "density" { #expect(failure?.advice == "Share.") }
  }

  @Test func numbersAreChosenByTheirValue() throws {
    #expect(try values(["level": 1.0])["level"] == .number(1))
    #expect(try values(["level": 2.5])["level"] == .number(2.5))
  }

  @Test func boundsAreTakenAsTheySay() throws {
    for value in [0.0, 1] { #expect(try values(["density": .number(value)])["density"] == .number(value)) }
    #expect(try values(["rate": .number(1.999)])["rate"] == .number(1.999))
  }

  @Test func unknownNamesGetASuggestion() {
    let near = #expect(throws: Failure.self) { try values(["densty": 0.5]) }
    #expect(near == Failure(.badRecipe, "plugin has no parameter 'densty'", advice: "did you mean 'density'?"))
    let far = #expect(throws: Failure.self) { try values(["temperature": 0.5]) }
    #expect(far?.advice == "known here: density, level, mode, note, on, rate, steps")
    let none = #expect(throws: Failure.self) {
      try ParameterValues(["x": 1], schema: ParameterSchema(text: nil), of: "plugin")
    }
    #expect(none?.advice == "there is none to choose from")
  }

  @Test(arguments: [
    ("{", "its parameters are not JSON: expected a key in double quotes"),
    ("[]", "its parameters are a list instead of an object"),
    (#"{"a": 1}"#, "its parameter 'a' is a number instead of an object"),
    (#"{"a": {}}"#, "its parameter 'a' has none of the types number, integer, boolean, string"),
    (#"{"a": {"type": "null"}}"#, "its parameter 'a' has none of the types number, integer, boolean, string"),
    (
      #"{"a": {"type": "number", "multipleOf": 2}}"#,
      "its parameter 'a' uses the keyword 'multipleOf', which hosts do not know"
    ),
    (#"{"a": {"type": "number", "minimum": "0"}}"#, "its parameter 'a' has a minimum that is not a number"),
    (#"{"a": {"type": "string", "minimum": 0}}"#, "its parameter 'a' has a minimum, but is not a number"),
    (
      #"{"a": {"type": "number", "maximum": 1, "exclusiveMaximum": 1}}"#,
      "its parameter 'a' has both maximum and exclusiveMaximum"
    ),
    (#"{"a": {"type": "number", "enum": 1}}"#, "its parameter 'a' has an enum that is not a list of choices"),
    (#"{"a": {"type": "number", "enum": []}}"#, "its parameter 'a' has an enum that is not a list of choices"),
    (
      #"{"a": {"type": "number", "enum": ["x"]}}"#,
      "its parameter 'a' has a choice that breaks its own rules: 'a' must be one of x, not \"x\""
    ),
    (#"{"a": {"type": "number", "description": 1}}"#, "its parameter 'a' has a description that is not a text"),
    (#"{"a": {"type": "number", "unit": 1}}"#, "its parameter 'a' has a unit that is not a text"),
    (#"{"a": {"type": "number", "perInput": 1}}"#, "its parameter 'a' has a perInput that is neither true nor false"),
    (#"{"a": {"type": "string", "perInput": true}}"#, "its parameter 'a' is perInput, but not a number"),
    (
      #"{"a": {"type": "number", "default": 2, "maximum": 1}}"#,
      "its parameter 'a' has a default that breaks its own rules: 'a' must be a number at most 1, not 2"
    ),
  ])
  func refusesSchemas(_ text: String, _ message: String) {
    #expect(throws: Failure(.pluginFailed, message)) { try ParameterSchema(text: text) }
  }

  @Test func isShownInOneForm() throws {
    let shown = try ParameterSchema(text: schema).json
    #expect(try ParameterSchema(text: shown.text()).json == shown)
    #expect(
      shown.objectValue?["density"] == [
        "type": "number", "default": 0.2, "minimum": 0.0, "maximum": 1.0, "description": "Share.", "unit": "1",
        "perInput": true,
      ])
    #expect(shown.objectValue?["note"] == ["type": "string", "description": ""])
  }
}
