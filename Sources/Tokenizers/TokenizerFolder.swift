import Diagnostics
import Glibc
import JSON
import Tensors

extension Tokenizer {
  /// Reads `tokenizer.json` of a model's folder, or `tokenizer.model` if there is none; the begin and end tokens and the
  /// template for conversations come from `tokenizer_config.json` and `chat_template.jinja`.
  ///
  /// - throws: ``Failure`` `missingInput` if there is neither, `badData` for anything unsupported, and for tokens that are in
  ///   only some of the files.
  package convenience init(folder: String) throws {
    func read(_ name: String) throws -> Bytes? {
      let path = folder + "/" + name
      return access(path, F_OK) == 0 ? try Bytes(mapping: path) : nil
    }
    let config = try read("tokenizer_config.json")
    let template = try read("chat_template.jinja")
    let added = try read("added_tokens.json")
    if let json = try read("tokenizer.json") {
      try self.init(json: json, config: config, template: template, path: folder + "/tokenizer.json")
    } else if let model = try read("tokenizer.model") {
      try self.init(model: model, config: config, template: template, path: folder + "/tokenizer.model")
      // tokenizer.json has them all; this file has only those that transformers added after SentencePiece's.
      if let added { try checkAddedTokens(added, file: folder + "/added_tokens.json") }
    } else {
      throw Failure(
        .missingInput, "there is neither tokenizer.json nor tokenizer.model",
        advice: "copy the tokenizer's files into the model's folder", file: folder)
    }
  }

  /// Reads `tokenizer.json`, and the optional files next to it.
  package convenience init(
    json: Bytes, config: Bytes? = nil, template: Bytes? = nil, path: String, limits: Limits = Limits()
  ) throws {
    let parts = try locating(file: path) {
      var parts = try TokenizerParts(json: json, limits: limits)
      parts.settings = try TokenizerSettings(config, template, beside: path, of: parts, limits)
      return parts
    }
    self.init(parts)
  }

  /// Reads SentencePiece's `tokenizer.model`, and the optional files next to it.
  package convenience init(
    model: Bytes, config: Bytes? = nil, template: Bytes? = nil, path: String, limits: Limits = Limits()
  ) throws {
    let parts = try locating(file: path) {
      let file = try SentencePieceFile(model)
      let isLegacy = try config.map { try TokenizerConfig($0, beside: path, limits).legacy } ?? nil
      var parts = try TokenizerParts(file.vocabulary, isLegacy: isLegacy ?? true)
      parts.settings = try TokenizerSettings(config, template, beside: path, of: parts, limits)
      parts.settings.beginOfText = parts.settings.beginOfText ?? parts.id(of: file.beginOfText)
      parts.settings.endOfText = parts.settings.endOfText ?? parts.id(of: file.endOfText)
      return parts
    }
    self.init(parts)
  }
}

extension Tokenizer {
  /// Refuses a table of tokens next to `tokenizer.model` that has other tokens.
  private func checkAddedTokens(_ bytes: Bytes, file: String) throws {
    try locating(file: file) {
      let table = try FilePart(try bytes.withUnsafeBytes { try JSONReader().read($0) }, "added_tokens")
      for (content, id) in table.object.members where self.id(of: content).map(Int.init) != id.intValue {
        throw Failure(otherToken: content)
      }
    }
  }
}

extension Failure {
  /// A token in one of the files that the decisive file lacks, or has with another id.
  fileprivate init(otherToken content: String) {
    self.init(
      .badData, "has the token '\(content)', which the tokenizer lacks or has with another id",
      advice: "load the tokenizer with transformers and save it again as tokenizer.json")
  }
}

/// The relevant settings of `tokenizer_config.json`; the rest repeats the other files or is for other software.
struct TokenizerConfig {
  var beginOfText: String?
  var endOfText: String?
  var addsBeginOfText: Bool?
  var legacy: Bool?
  var chatTemplate: String?
  /// `added_tokens_decoder`: should be the added tokens of the tokenizer.
  var addedTokens: [(content: String, id: Int)] = []
  /// `add_prefix_space`, with which transformers overrides tokenizer.json.
  var addsPrefix: Bool?

  init(_ bytes: Bytes, beside path: String, _ limits: Limits) throws {
    let name = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    self = try locating(file: (name.isEmpty ? "" : name + "/") + "tokenizer_config.json") {
      try TokenizerConfig(try bytes.withUnsafeBytes { try JSONReader(limits).read($0) })
    }
  }

  private init(_ value: JSONValue) throws {
    let part = try FilePart(value, "tokenizer_config")
    beginOfText = try Self.token(part, "bos_token")
    endOfText = try Self.token(part, "eos_token")
    addsBeginOfText = part.value("add_bos_token") == nil ? nil : try part.flag("add_bos_token")
    legacy = part.value("legacy") == nil ? nil : try part.flag("legacy")
    addsPrefix = part.value("add_prefix_space") == nil ? nil : try part.flag("add_prefix_space")
    if let table = part.value("added_tokens_decoder") {
      let table = try FilePart(table, "\(part.path).added_tokens_decoder")
      addedTokens = try table.object.members.map { id, token in
        guard let id = Int(id) else {
          throw Failure(.badData, "'\(table.path)' has the key '\(id)', which is not an id")
        }
        return (try FilePart(token, "\(table.path).\(id)").text("content"), id)
      }
    }
    if let templates = part.value("chat_template")?.arrayValue {
      for (place, template) in templates.enumerated() {
        let template = try FilePart(template, "chat_template[\(place)]")
        if try template.text("name") == "default" { chatTemplate = try template.text("template") }
      }
    } else {
      chatTemplate = try part.textIfAny("chat_template")
    }
  }

  /// A token, written as its content or as an object that has one.
  private static func token(_ part: FilePart, _ key: String) throws -> String? {
    guard let value = part.value(key) else { return nil }
    if value.objectValue != nil { return try FilePart(value, "\(part.path).\(key)").text("content") }
    return try part.text(key)
  }
}

extension TokenizerConfig {
  /// Refuses settings with which transformers would make a different tokenizer from the files.
  fileprivate func check(_ parts: TokenizerParts) throws {
    for token in addedTokens where parts.id(of: Array(token.content.utf8)).map(Int.init) != token.id {
      throw Failure(otherToken: token.content)
    }
    if let addsPrefix, addsPrefix != parts.addsPrefix {
      throw Failure(
        .badData, "tokenizer_config.json contradicts the tokenizer about 'add_prefix_space'",
        advice: "load the tokenizer with transformers and save it again as tokenizer.json")
    }
  }
}

extension TokenizerParts {
  /// Whether a blank is prepended to a text.
  fileprivate var addsPrefix: Bool {
    let inNormalizer = normalizer.steps.contains { if case .prepend = $0 { true } else { false } }
    return inNormalizer
      || preTokenizer.steps.contains { step in
        switch step {
        case .blankBefore, .metaspace(_, .always, _), .metaspace(_, .first, _): true
        default: false
        }
      }
  }
}

extension TokenizerSettings {
  fileprivate init(
    _ config: Bytes?, _ template: Bytes?, beside path: String, of parts: TokenizerParts, _ limits: Limits
  ) throws {
    let config = try config.map { try TokenizerConfig($0, beside: path, limits) }
    func id(_ token: String?, _ key: String) throws -> Int32? {
      guard let token else { return nil }
      guard let id = parts.id(of: Array(token.utf8)) else {
        throw Failure(.badData, "tokenizer_config.json says that '\(key)' is '\(token)', which is not a token")
      }
      return id
    }
    try config?.check(parts)
    beginOfText = try id(config?.beginOfText, "bos_token")
    endOfText = try id(config?.endOfText, "eos_token")
    let isInTemplate = beginOfText.map(parts.postProcessor.before.contains) ?? false
    addsBeginOfText = config?.addsBeginOfText ?? isInTemplate
    chatTemplate = config?.chatTemplate
    if let template {
      guard let text = template.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) else {
        throw Failure(.badData, "chat_template.jinja is not valid UTF-8")
      }
      chatTemplate = text
    }
  }
}
