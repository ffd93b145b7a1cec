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
