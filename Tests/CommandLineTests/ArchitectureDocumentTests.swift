import Foundation
import TestSupport
import Testing

/// Documentation/Architecture.md is a map of the sources as they are.
@Suite struct ArchitectureDocumentTests {
  private let text: String
  private let sources: String

  init() throws {
    text = try String(contentsOf: repository.appending(path: "Documentation/Architecture.md"), encoding: .utf8)
    sources = try ["Sources", "Plugins"].map { try Self.swift(in: $0) }.joined()
  }

  @Test func `every room is on the map, and no other`() throws {
    let table = try #require(text.firstRange(of: "| Room |"))
    let rows = text[table.lowerBound...].components(separatedBy: "\n\n")[0]
    let named = rows.split(separator: "\n").dropFirst(2).flatMap { row in
      row.split(separator: "|")[0].matches(of: /`(\w+)`/).map { String($0.output.1) }
    }
    let rooms = try FileManager.default.contentsOfDirectory(atPath: repository.appending(path: "Sources").path)
    #expect(Set(named) == Set(rooms))
    #expect(named.count == rooms.count)
  }

  @Test func `an arrow stands for a dependency`() throws {
    let manifest = try String(contentsOf: repository.appending(path: "Package.swift"), encoding: .utf8)
    let arrows = text.matches(of: /(?m)^  (\w+(?: --> [\w& ]+)+)$/)
    #expect(arrows.count >= 14)
    for arrow in arrows {
      let steps = arrow.output.1.components(separatedBy: " --> ").map { $0.components(separatedBy: " & ") }
      for (from, to) in zip(steps, steps.dropFirst()) {
        for (room, other) in from.flatMap({ room in to.map { (room, $0) } }) {
          let start = try #require(manifest.firstRange(of: try Regex("arget\\(\\s*name: \"\(room)\"")), "\(room)")
          let target = manifest[start.upperBound...].prefix(800).components(separatedBy: "arget(")[0]
          #expect(target.contains("\"\(other)\""), "\(room) does not depend on \(other)")
        }
      }
    }
  }

  @Test func `every type it names is there`() throws {
    let names = text.matches(of: /`([A-Z][A-Za-z]+)(?:\.[A-Za-z]+)?[<`(]/).map { String($0.output.1) }
    // Matrices, folders, and what belongs to Swift.
    var others: Set = ["A", "B", "Sources", "Clients", "Presentation", "Package", "Mutex"]
    others.formUnion(try FileManager.default.contentsOfDirectory(atPath: repository.appending(path: "Sources").path))
    var count = 0
    for name in Set(names).subtracting(others) {
      count += 1
      let declared = try ["struct", "class", "enum", "protocol", "typealias"].contains { kind in
        sources.contains(try Regex("\\b\(kind) \(name)\\b"))
      }
      #expect(declared || sources.contains("/\(name).swift"), "\(name)")
    }
    #expect(count > 40)
  }

  private static func swift(in folder: String) throws -> String {
    let root = repository.appending(path: folder)
    return try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".swift") }
      .map { "// /\($0)\n" + (try String(contentsOf: root.appending(path: $0), encoding: .utf8)) }.joined()
  }
}
