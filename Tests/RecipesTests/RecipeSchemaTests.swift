import Foundation
import JSON
import Recipes
import TestSupport
import Testing

@Suite struct RecipeSchemaTests {
  @Test func theCommittedSchemaIsTheLanguage() throws {
    let committed = try String(contentsOf: repository.appending(path: "recipes/recipe.schema.json"), encoding: .utf8)
    #expect(
      committed == RecipeSchema.json.text(indented: true) + "\n",
      "run `clues recipe schema > recipes/recipe.schema.json` and commit it")
  }

  /// Walks the schema: every property has a text, every mapping of ours is closed, every reference leads somewhere.
  @Test func everyPlaceIsDescribed() throws {
    let definitions = RecipeSchema.json.objectValue?["$defs"]?.objectValue
    var described = 0
    func walk(_ value: JSONValue, _ path: String) {
      switch value {
      case .array(let elements): for (index, element) in elements.enumerated() { walk(element, "\(path)/\(index)") }
      case .object(let object):
        if let properties = object["properties"]?.objectValue, object["type"] == "object" {
          #expect(object["title"]?.stringValue?.isEmpty == false, "\(path)")
          #expect(object["additionalProperties"] == false, "\(path)")
          for (name, property) in properties.members where !path.contains("$defs") {
            described += 1
            #expect(property.objectValue?["description"]?.stringValue?.hasSuffix(".") == true, "\(path)/\(name)")
          }
        }
        if let reference = object["$ref"]?.stringValue {
          #expect(definitions?[reference.replacingOccurrences(of: "#/$defs/", with: "")] != nil, "\(reference)")
        }
        for (key, member) in object.members { walk(member, "\(path)/\(key)") }
      default: break
      }
    }
    walk(RecipeSchema.json, "")
    #expect(described > 10)
  }

  @Test(arguments: [("average", "average"), ("ties", "ties"), ("mergekit", "ties")]) func theRecipesThatShipAreRight(
    _ name: String, _ method: String
  ) throws {
    let recipe = try Recipe.read(path: repository.appending(path: "recipes/\(name).yaml").path)
    #expect(recipe.merge?.method.value == method)
    #expect(recipe.clients.count == 3)
  }
}
