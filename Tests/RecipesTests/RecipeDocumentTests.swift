import Foundation
import JSON
import Recipes
import TestSupport
import Testing

/// Documentation/Recipes.md speaks of everything that there is.
@Suite struct RecipeDocumentTests {
  let text: String

  init() throws {
    text = try String(contentsOf: repository.appending(path: "Documentation/Recipes.md"), encoding: .utf8)
  }

  @Test func hasEveryKeyAndWordOfTheLanguage() {
    var names = 0
    func walk(_ value: JSONValue) {
      switch value {
      case .array(let elements): for element in elements { walk(element) }
      case .object(let object):
        for name in object["properties"]?.objectValue?.members.map(\.key) ?? [] {
          names += 1
          #expect(text.contains("`\(name)`") || text.contains("\(name): ") || text.contains("\(name):\n"), "\(name)")
        }
        for word in object["enum"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
          #expect(text.contains("\(word)"), "\(word)")
        }
        for (_, member) in object.members { walk(member) }
      default: break
      }
    }
    walk(RecipeSchema.json)
    #expect(names > 30)
  }

  @Test(arguments: MergekitTests.methods) func hasEveryMethodOfMergekit(_ name: String) {
    #expect(text.contains("`\(name)`"))
  }
}
