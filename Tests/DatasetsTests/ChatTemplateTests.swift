import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Datasets

/// Conversations in the words of published chat templates, against what transformers makes of them.
@Suite struct ChatTemplateTests {
  private static let file: JSONObject = {
    let bytes = try! Bytes(mapping: fixture("templates/chat_templates.json"))
    return try! bytes.withUnsafeBytes { try JSONReader().read($0) }.objectValue!
  }()

  @Test func conversationsAreWrittenAsTransformersWritesThem() throws {
    var (written, refused, seams) = (0, 0, 0)
    for value in try #require(Self.file["cases"]?.arrayValue) {
      let entry = try #require(value.objectValue)
      let template = try #require(Template(rawValue: entry["name"]?.stringValue ?? ""))
      let messages = try #require(entry["messages"]?.arrayValue).map { value in
        Record.Message(
          try #require(Record.Role(rawValue: value.objectValue?["role"]?.stringValue ?? "")),
          try #require(value.objectValue?["content"]?.stringValue))
      }
      let content = Record.Content.conversation(messages, given: 0)
      guard let text = entry["text"]?.stringValue else {
        _ = try failure { try template.segments(of: content) }
        refused += 1
        continue
      }
      let segments = try template.segments(of: content)
      #expect(Self.bytes(of: segments[...]) == Array(text.utf8), "\(template) of \(messages)")
      written += 1
      // What the model is asked before its last answer is the same text up to where the answer is learned.
      guard let prompt = entry["prompt"]?.stringValue, messages.last?.role == .assistant else { continue }
      let end = try #require(segments.lastIndex { $0.part == .answer })
      let start = (segments[..<end].lastIndex { $0.part != .answer } ?? -1) + 1
      #expect(Self.bytes(of: segments[..<start]) == Array(prompt.utf8), "\(template) of \(messages)")
      seams += 1
    }
    #expect(written >= 60 && refused >= 8 && seams >= 50)
  }

  @Test func publishedTemplatesAreKnownByTheirText() throws {
    let templates = try #require(Self.file["templates"]?.arrayValue)
    for value in templates {
      let entry = try #require(value.objectValue)
      let text = try #require(entry["text"]?.stringValue)
      #expect(KnownChatTemplates.template(text)?.rawValue == entry["name"]?.stringValue, "\(text.prefix(80))")
      #expect(KnownChatTemplates.template(text + " ") == nil)
    }
    #expect(templates.count >= 18)
  }

  @Test func messagesOfAPromptAreNotLearned() throws {
    let messages = [Record.Message(.user, "a"), .init(.assistant, "b"), .init(.user, "c"), .init(.assistant, "d")]
    for template in Template.allCases where template.isChat {
      func learned(_ given: Int) throws -> String {
        let segments = try template.segments(of: .conversation(messages, given: given))
        return String(decoding: Self.bytes(of: segments.filter { $0.part == .answer }[...]), as: UTF8.self)
      }
      #expect(try learned(3).contains("d") && !learned(3).contains("b"))
      #expect(try learned(0).contains("b"))
    }
  }

  private static func bytes(of segments: ArraySlice<Segment>) -> [UInt8] {
    segments.flatMap { segment in
      switch segment.content {
      case .text(let text), .special(let text): Array(text.utf8)
      case .beginOfText: Array("<s>".utf8)
      case .endOfText: Array("</s>".utf8)
      }
    }
  }
}
