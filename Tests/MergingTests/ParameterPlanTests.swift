import Diagnostics
import JSON
import PluginHost
import Recipes
import TestSupport
import Testing

@testable import Merging

/// A parameter is checked once, and whoever meets it later still knows where it stands.
@Suite struct ParameterPlanTests {
  private static let schema = """
    {"density": {"type": "number", "minimum": 0, "maximum": 1, "perInput": true},
     "step": {"type": "number", "enum": [1, 2], "default": 1}, "count": {"type": "integer", "default": 3}}
    """

  private func plan(_ parameters: String, own: String = "{}") throws -> ParameterPlan {
    let text = """
      clients: [{path: a, parameters: \(own)}, b]
      merge:
        method: made-up
        parameters: \(parameters)
      """
    let recipe = try Recipe.parse(text, file: "folder/r.yaml")
    return try ParameterPlan(
      recipe, #require(recipe.merge?.value), schema: ParameterSchema(text: Self.schema), of: "made-up")
  }

  private static let modules = (0..<3).map { "model.layers.\($0).q_proj" } + ["model.layers.0.v_proj", "head"]

  private func values(_ plan: ParameterPlan, _ module: String) throws -> ParameterValues {
    try plan.values(module: module, layers: LayerScale(modules: Self.modules), clients: [0, 1])
  }

  @Test func `values are those of the module and the client`() throws {
    let plan = try plan(
      "{density: [{filter: q_proj, value: [0.25, 0.75]}, {filter: '*', value: 1}], count: 4}",
      own: "{density: [{filter: v_proj, value: 0}]}")
    let found = try Self.modules.map { try values(plan, $0) }
    #expect(
      found.map { $0["density"] } == [[0.25, 0.25], [0.5, 0.5], [0.75, 0.75], [0, 1], [1, 1]].map { .numbers($0) })
    #expect(found.allSatisfy { $0["count"] == .integer(4) && $0["step"] == .number(1) })
    #expect(found[0].entries.filter(\.isDefault).map(\.name) == ["step"])
  }

  @Test(arguments: [
    ("{densty: 1}", "{}", "the method 'made-up' has no parameter 'densty'"),
    ("{density: [0.5, 2]}", "{}", "'density' must be a number from 0 to 1, not 2"),
    ("{density: [{filter: q, value: 2}]}", "{}", "'density' must be a number from 0 to 1, not 2"),
    ("{count: [1, 2]}", "{}", "'count' is not a number, so it cannot vary over the layers"),
    ("{step: [1, 2]}", "{}", "'step' must be one of 1, 2, so it cannot vary over the layers"),
    ("{}", "{count: 1}", "'count' applies to all clients and cannot be set for one"),
  ]) func `what is not allowed is refused where it stands`(
    common: String, own: String, message: String
  ) throws {
    let failure = try failure { try plan(common, own: own) }
    #expect(failure.message == message && failure.kind == .badRecipe && failure.file == "folder/r.yaml")
    #expect(failure.position?.line == (own == "{}" ? 4 : 1))
  }

  @Test func `what only the modules tell is refused where it stands, too`() throws {
    let filtered = try plan("{density: [{filter: up_proj, value: 1}]}")
    let unmatched = try failure { try filtered.checkFilters(against: Self.modules) }
    #expect(unmatched.message == "the filter 'up_proj' of 'density' matches no module")
    #expect(unmatched.file == "folder/r.yaml" && unmatched.position?.line == 4)
    let lone = try plan("{}", own: "{density: 0.5}")
    let some = try failure { try values(lone, "head") }
    #expect(some.message == "'density' is set only for some clients, and has no default")
    #expect(some.file == "folder/r.yaml" && some.position?.line == 1)
  }
}
