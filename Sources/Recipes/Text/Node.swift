/// A piece of YAML with its location: what the text reader passes to the language.
struct Node: Sendable {
  var content: Content
  var origin: Origin

  enum Content: Sendable {
    /// `isPlain` is false if quotes or a block mark it as a string.
    case scalar(String, isPlain: Bool)
    case list([Node])
    case mapping([Member])
  }

  struct Member: Sendable {
    var key: String
    var origin: Origin
    var value: Node
  }

  /// Whether this is `key:` without a value, or one of YAML's words for null.
  var isNothing: Bool {
    if case .scalar(let text, isPlain: true) = content {
      ["", "~", "null", "Null", "NULL"].contains(text)
    } else {
      false
    }
  }

  /// The text of a scalar that is not null. Plain `no`, `on` and `1e3` are taken literally.
  var text: String? {
    if case .scalar(let text, _) = content, !isNothing { text } else { nil }
  }

  /// The text, if it is not quoted.
  var plainText: String? {
    if case .scalar(let text, isPlain: true) = content, !isNothing { text } else { nil }
  }

  var list: [Node]? { if case .list(let nodes) = content { nodes } else { nil } }
  var mapping: [Member]? { if case .mapping(let members) = content { members } else { nil } }

  /// What this is, for a message that says what is expected instead.
  var kindName: String {
    switch content {
    case .scalar(let text, isPlain: true): "'\(Self.shortened(text))'"
    case .scalar(let text, isPlain: false): "the string '\(Self.shortened(text))'"
    case .list: "a list"
    case .mapping: "a mapping"
    }
  }

  /// The text for a message: shortened, and with control characters escaped, which a terminal would obey.
  static func shortened(_ text: String) -> String { printable(text.count <= 60 ? text : text.prefix(60) + "…") }

  /// The text with its control characters escaped.
  static func printable(_ text: String) -> String {
    text.unicodeScalars.map { $0.properties.generalCategory == .control ? $0.escaped(asASCII: true) : String($0) }
      .joined()
  }
}

extension Node {
  static func word(_ text: String, _ origin: Origin) -> Node {
    Node(content: .scalar(text, isPlain: true), origin: origin)
  }

  static func mapping(_ members: [(key: String, value: Node)], _ origin: Origin) -> Node {
    Node(
      content: .mapping(members.map { Member(key: $0.key, origin: $0.value.origin, value: $0.value) }), origin: origin)
  }

  /// The member `key` of a mapping.
  subscript(key: String) -> Node? { mapping?.first { $0.key == key }?.value }
}
