import Diagnostics
import JSON

extension Schema where Value == [ParameterSetting] {
  /// A mapping from a plugin's parameters to values.
  static let parameters = Schema(
    options: ["a mapping of parameters"],
    jsonSchema: ["$ref": "#/$defs/parameters"],
    accepts: { $0.mapping != nil },
    read: { node, location in
      guard let members = node.mapping else { throw mismatch(node, at: location, due: "a mapping of parameters") }
      var failures = Failures()
      let settings = try failures.map(members) { member in
        guard ParameterSetting.isName(member.key) else {
          throw member.origin.failure(
            "'\(Node.shortened(member.key))' cannot be the name of a parameter",
            advice: "names consist of letters, digits, '.', '_' and '-' and start with a letter or '_'")
        }
        let value = try ParameterSetting.value(of: member.value, at: location / member.key)
        return ParameterSetting(name: member.key, value: value, origin: member.value.origin)
      }
      try failures.throwIfAny()
      return settings
    },
    write: { settings in .object(JSONObject(settings.map { ($0.name, $0.value) })) },
    explain: { settings, location in
      settings.map {
        ExplainedValue(location: location / $0.name, value: Node.printable($0.value.stringValue ?? $0.value.text()))
      }
    })
}

extension ParameterSetting {
  static let namePattern = "[A-Za-z_][A-Za-z0-9._-]*"

  /// Whether ``namePattern`` matches, checked by hand because there may be a hundred thousand names.
  static func isName(_ text: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte == UInt8(ascii: "_") }
    guard let first = text.utf8.first, isLetter(first) else { return false }
    return text.utf8.allSatisfy {
      isLetter($0) || $0 &- 0x30 < 10 || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
    }
  }

  /// What `#/$defs` of the schema says about parameters.
  static let definitions: JSONObject = [
    "parameters": [
      "title": "Parameters of a plugin", "type": "object",
      "propertyNames": ["pattern": .string("^\(namePattern)$")],
      "additionalProperties": ["$ref": "#/$defs/parameter"],
    ],
    "parameter": [
      "description": "One value, a list over layers from the first to the last, or a list of {filter, value}.",
      "anyOf": [
        ["$ref": "#/$defs/values"],
        [
          "type": "array", "minItems": 1,
          "items": [
            "title": "Value of the modules that a filter matches", "type": "object",
            "properties": [
              "filter": ["type": "string", "minLength": 1, "description": "The modules it applies to."],
              "value": ["$ref": "#/$defs/values"],
            ],
            "required": ["filter", "value"], "additionalProperties": false,
          ],
        ],
      ],
    ],
    "values": [
      "anyOf": [["$ref": "#/$defs/value"], ["type": "array", "minItems": 1, "items": ["$ref": "#/$defs/value"]]]
    ],
    "value": ["type": ["boolean", "number", "string"]],
  ]

  /// A value, a list of values, or a list of filters with such values.
  static func value(of node: Node, at location: Location) throws -> JSONValue {
    guard let nodes = node.list, nodes.contains(where: { $0.mapping != nil }) else {
      return try values(of: node, at: location)
    }
    return .array(try nodes.enumerated().map { try filtered($1, at: location / $0) })
  }

  private static func filtered(_ node: Node, at location: Location) throws -> JSONValue {
    let due = "a mapping of exactly 'filter' and 'value', like its neighbours"
    guard let members = node.mapping else { throw Schema<JSONValue>.mismatch(node, at: location, due: due) }
    var entry = JSONObject()
    for member in members {
      switch member.key {
      case "filter":
        guard let text = member.value.text, !text.isEmpty else {
          throw Schema<JSONValue>.mismatch(member.value, at: location / "filter", due: "a string")
        }
        entry["filter"] = .string(text)
      case "value": entry["value"] = try values(of: member.value, at: location / "value")
      default:
        throw member.origin.failure(
          "unknown key '\(Node.shortened(member.key))' in \(location.name)", advice: "known here: filter, value")
      }
    }
    for key in ["filter", "value"] where entry[key] == nil {
      throw node.origin.failure("\(location.name) has no '\(key)'", advice: "it must be \(due)")
    }
    return ["filter": entry["filter"] ?? .null, "value": entry["value"] ?? .null]
  }

  private static func values(of node: Node, at location: Location) throws -> JSONValue {
    guard let nodes = node.list else { return try scalar(of: node, at: location) }
    guard !nodes.isEmpty else { throw node.origin.failure("\(location.name) is an empty list") }
    return .array(try nodes.enumerated().map { try scalar(of: $1, at: location / $0) })
  }

  /// Only `true` and `false` are booleans, only plain decimals are numbers; everything else is a string.
  private static func scalar(of node: Node, at location: Location) throws -> JSONValue {
    let due = "one value, a list of values over layers, or a list of {filter, value}"
    guard let text = node.text else { throw Schema<JSONValue>.mismatch(node, at: location, due: due) }
    guard node.plainText != nil else { return .string(text) }
    switch (text, Numeral(text)) {
    case ("true", _): return true
    case ("false", _): return false
    case (_, .integer(let number)): return .integer(number)
    case (_, .number(let number)): return .number(number)
    case (_, .word): return .string(text)
    case (_, .refused(let advice)):
      throw node.origin.failure(
        "\(location.name) has a number in an unsupported notation: \(node.kindName)",
        advice: "\(advice), or quote it if it is a string")
    }
  }
}

extension Schema where Value == [PluginPin] {
  /// A mapping from ids of plugins to digests.
  static let pins = Schema(
    options: ["a mapping from plugin ids to digests"],
    jsonSchema: [
      "type": "object", "propertyNames": .object(Schema<String>.pluginIdentifier.jsonSchema),
      "additionalProperties": .object(Schema<String>.digest.jsonSchema),
    ],
    accepts: { $0.mapping != nil },
    read: { node, location in
      guard let members = node.mapping else {
        throw mismatch(node, at: location, due: "a mapping from plugin ids to digests")
      }
      return try members.map { member in
        let key = Node(content: .scalar(member.key, isPlain: false), origin: member.origin)
        return PluginPin(
          identifier: try Schema<String>.pluginIdentifier.read(key, location),
          digest: try Schema<String>.digest.read(member.value, location / member.key), origin: member.value.origin)
      }
    },
    write: { pins in .object(JSONObject(pins.map { ($0.identifier, .string($0.digest)) })) },
    explain: { pins, location in
      pins.map { ExplainedValue(location: location / $0.identifier, value: "sha256 \($0.digest)") }
    })
}
