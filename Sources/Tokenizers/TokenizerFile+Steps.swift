import Diagnostics
import JSON

extension Normalizer {
  init(_ value: JSONValue?) throws {
    for part in try flattened(value, "normalizer", key: "normalizers") {
      switch try part.type() {
      case "NFC":
        try part.allowOnly()
        steps.append(.composed)
      case "Lowercase":
        try part.allowOnly()
        steps.append(.lowercase)
      case "Prepend":
        try part.allowOnly("prepend")
        steps.append(.prepend(try part.shortText("prepend")))
      case "Replace":
        try part.allowOnly("pattern", "content")
        steps.append(.replace(try literalPattern(part), by: try replacement(part)))
      case let other:
        throw part.unknown(other, among: ["NFC", "Lowercase", "Prepend", "Replace", "Sequence"])
      }
    }
  }
}

extension PreTokenizer {
  init(_ value: JSONValue?) throws {
    let parts = try flattened(value, "pre_tokenizer", key: "pretokenizers")
    for part in parts {
      guard !isByteLevel else {
        throw Failure(.badData, "'\(part.path)' comes after 'ByteLevel', which has to be the last step")
      }
      switch try part.type() {
      case "ByteLevel":
        try part.allowOnly("add_prefix_space", "trim_offsets", "use_regex")
        isByteLevel = true
        if try part.flag("add_prefix_space") { steps.append(.blankBefore) }
        if try part.flag("use_regex", true) { steps.append(.words(.gpt2)) }
      case "Split": steps.append(try Self.split(part))
      case "Digits":
        try part.allowOnly("individual_digits")
        steps.append(.digits(individual: try part.flag("individual_digits")))
      case "Metaspace":
        let (replacement, prepending, splits) = try Self.metaspace(part)
        steps.append(.metaspace(replacement, prepending, splits: splits))
      case let other:
        throw part.unknown(other, among: ["ByteLevel", "Split", "Digits", "Metaspace", "Sequence"])
      }
    }
  }

  private static func split(_ part: FilePart) throws -> Step {
    try part.allowOnly("pattern", "behavior", "invert")
    let name = try part.text("behavior")
    guard let behaviour = SplitBehaviour(rawValue: name) else {
      throw Failure(.badData, "'\(part.path).behavior' is '\(name)', which is not understood")
    }
    let inverted = try part.flag("invert")
    let pattern = try FilePart(part.object["pattern"] ?? .null, part.path + ".pattern")
    guard let expression = try pattern.textIfAny("Regex") else {
      return .split(try literalPattern(part), behaviour, inverted: inverted)
    }
    try pattern.allowOnly("Regex")
    guard let words = WordPattern(expression) else {
      throw Failure(
        .badData, "'\(part.path).pattern' is the regular expression \(expression), which is not understood",
        advice: "those of GPT-2, Llama 3 and Qwen2 are")
    }
    // Its matches are all of the text, so that nothing is left between them.
    guard behaviour == .isolated || (behaviour == .removed && inverted) else {
      throw Failure(.badData, "'\(part.path).behavior' is '\(name)', which is not understood with this pattern")
    }
    return .words(words)
  }

  fileprivate static func metaspace(_ part: FilePart) throws -> ([UInt8], Prepending, splits: Bool) {
    try part.allowOnly("replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep")
    let scheme = try part.textIfAny("prepend_scheme") ?? "always"
    var prepending: Prepending
    switch scheme {
    case "always": prepending = .always
    case "first": prepending = .first
    case "never": prepending = .never
    default: throw Failure(.badData, "'\(part.path).prepend_scheme' is '\(scheme)', which is not understood")
    }
    if try !part.flag("add_prefix_space", true) {
      guard prepending == .never || part.value("prepend_scheme") == nil else {
        throw Failure(.badData, "'\(part.path).add_prefix_space' contradicts 'prepend_scheme'")
      }
      prepending = .never
    }
    return (try part.character("replacement"), prepending, try part.flag("split", true))
  }
}

extension Decoder {
  init(_ value: JSONValue?) throws {
    guard let value, !value.isNull else { return }
    steps = try flattened(value, "decoder", key: "decoders").map { part in
      switch try part.type() {
      case "ByteLevel":
        try part.allowOnly("add_prefix_space", "trim_offsets", "use_regex")
        return .byteLevel
      case "Replace":
        try part.allowOnly("pattern", "content")
        let pattern = try literalPattern(part)
        let content = try replacement(part)
        guard content.count <= pattern.count else {
          throw Failure(.badData, "'\(part.path)' makes texts longer, which is not understood")
        }
        return .replace(pattern, by: content)
      case "ByteFallback":
        try part.allowOnly()
        return .byteFallback
      case "Fuse":
        try part.allowOnly()
        return .fuse
      case "Strip":
        try part.allowOnly("content", "start", "stop")
        return .strip(
          try part.character("content"), start: try count(part, "start"), stop: try count(part, "stop"))
      case "Metaspace":
        let (replacement, prepending, _) = try PreTokenizer.metaspace(part)
        return .metaspace(replacement, prepends: prepending != .never)
      case let other:
        throw part.unknown(
          other, among: ["ByteLevel", "Replace", "ByteFallback", "Fuse", "Strip", "Metaspace", "Sequence"])
      }
    }
  }
}

extension PostProcessor {
  init(_ value: JSONValue?) throws {
    for part in try flattened(value, "post_processor", key: "processors") {
      switch try part.type() {
      // It only trims ranges, and ours are whole.
      case "ByteLevel": try part.allowOnly("add_prefix_space", "trim_offsets", "use_regex")
      case "TemplateProcessing": try add(part)
      case let other: throw part.unknown(other, among: ["TemplateProcessing", "ByteLevel", "Sequence"])
      }
    }
  }

  private mutating func add(_ part: FilePart) throws {
    try part.allowOnly("single", "pair", "special_tokens")
    let specials = try FilePart(part.object["special_tokens"] ?? [:], part.path + ".special_tokens")
    var sides: (before: [Int32], behind: [Int32]) = ([], [])
    var texts = 0
    for (place, piece) in try part.list("single").enumerated() {
      let piece = try FilePart(piece, "\(part.path).single[\(place)]")
      try piece.allowOnly("Sequence", "SpecialToken")
      if let text = piece.value("Sequence") {
        let name = try FilePart(text, piece.path + ".Sequence").text("id")
        guard name == "A" else {
          throw Failure(.badData, "'\(piece.path)' puts a text '\(name)' where 'A' is expected")
        }
        texts += 1
        continue
      }
      let name = try FilePart(piece.object["SpecialToken"] ?? .null, piece.path + ".SpecialToken").text("id")
      let token = try FilePart(specials.object[name] ?? .null, "\(specials.path).\(name)")
      let ids = try token.list("ids").map { value in
        guard let id = value.intValue.flatMap(Int32.init(exactly:)), id >= 0 else {
          throw Failure(.badData, "'\(token.path).ids' holds something that is no id")
        }
        return id
      }
      if texts == 0 { sides.before += ids } else { sides.behind += ids }
    }
    guard texts == 1 else { throw Failure(.badData, "'\(part.path).single' holds the text \(texts) times") }
    before = sides.before + before
    behind += sides.behind
  }
}

/// The text that a part looks for; regular expressions are not understood here.
private func literalPattern(_ part: FilePart) throws -> [UInt8] {
  let pattern = try FilePart(part.object["pattern"] ?? .null, part.path + ".pattern")
  if let expression = try pattern.textIfAny("Regex") {
    throw Failure(
      .badData, "'\(part.path).pattern' is the regular expression \(expression), which is not understood there")
  }
  try pattern.allowOnly("String")
  return try pattern.shortText("String")
}

/// What a part puts in the place of what it found.
private func replacement(_ part: FilePart) throws -> [UInt8] {
  let content = Array(try part.text("content").utf8)
  guard content.count <= 256 else {
    throw Failure(.badData, "'\(part.path).content' has \(content.count) bytes; it may have 256")
  }
  return content
}

/// How often at most something is taken away.
private func count(_ part: FilePart, _ key: String) throws -> Int {
  let count = try part.number(key)
  guard (0...256).contains(count) else { throw Failure(.badData, "'\(part.path).\(key)' is \(count)") }
  return count
}
