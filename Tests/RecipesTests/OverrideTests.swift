import Diagnostics
import JSON
import Recipes
import Testing

@Suite struct OverrideTests {
  let text = """
    clients: [a.zip, {path: b.zip, weight: 1}]
    merge:
      method: ties
      parameters: {density: 0.2}
    """

  func recipe(_ overrides: String...) throws -> Recipe {
    try Recipe.parse(text, file: "r.yaml", overrides: (["clients.0.weight=1"] + overrides).map { try Override($0) })
  }

  @Test func replacesAndAdds() throws {
    let recipe = try recipe(
      "merge.parameters.density=[0.5, 0.1]", "merge.parameters.lambda=1.5", "output.dtype=float32",
      "merge.absolute={take: a}", "output.path=a #b: c", "clients.1=c.zip", "clients.1.weight=-2", "seed=1", "seed=2")
    #expect(recipe.merge?.parameters.map(\.name) == ["density", "lambda"])
    #expect(recipe.merge?.parameters.map(\.value) == [[0.5, 0.1], 1.5])
    #expect(recipe.merge?.absolute.value == .take("a"))
    #expect(recipe.output.dtype.value == .float32)
    #expect(recipe.output.path?.value == "a #b: c")
    #expect(recipe.clients.map(\.value.path.value) == ["a.zip", "c.zip"])
    #expect(recipe.clients.map(\.value.weight?.value) == [1, -2])
    #expect(recipe.seed == Located(2, .override("--set seed=2")))
  }

  @Test(arguments: [
    ("merge.metod=ties", "unknown key 'metod' in 'merge' (from --set merge.metod=ties)", "did you mean 'method'?"),
    ("clints.0=x", "unknown key 'clints' in the recipe (from --set clints.0=x)", "did you mean 'clients'?"),
    ("clients.2=x", "'clients' is a list and has no '2' (from --set clients.2=x)", "its elements are 0 to 1"),
    ("clients.00=x", "'clients' is a list and has no '00' (from --set clients.00=x)", "its elements are 0 to 1"),
    ("merge.method.x=1", "'merge.method' is a single value and has no 'x' (from --set merge.method.x=1)", nil),
    ("merge.rank=0x8", "'merge.rank' must be an integer of at least 1, not '0x8' (from --set merge.rank=0x8)", nil),
    ("merge.rank=", "'merge.rank' has no value (from --set merge.rank=)", nil),
    ("merge=ties", "'merge' must be a mapping, not 'ties' (from --set merge=ties)", nil),
    ("merge.parameters.density=[1", "this is not valid YAML: did not find expected ',' or ']'", nil),
    ("select.threshold=fixed", "'select' needs 'score' (from --set select.threshold=fixed)", nil),
  ])
  func refuses(_ setting: String, message: String, advice: String?) throws {
    let failure = try #require(throws: Failure.self) { try recipe(setting) }
    #expect(failure.message.hasPrefix(message), "\(failure.message)")
    #expect(failure.message.hasSuffix("(from --set \(setting))"), "\(failure.message)")
    #expect(failure.position == nil)
    #expect(failure.kind == .badRecipe)
    if let advice { #expect(failure.advice == advice) }
  }

  @Test(arguments: ["seed", "=1", "a..b=1", ".a=1", ""]) func wantsKeyAndValue(_ setting: String) throws {
    let failure = try #require(throws: Failure.self) { try recipe(setting) }
    #expect(failure.kind == .usage)
  }
}
