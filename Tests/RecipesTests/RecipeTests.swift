import Diagnostics
import Foundation
import JSON
import Recipes
import TestSupport
import Testing

@Suite struct RecipeTests {
  let smallest = "clients: [a.zip]\nmerge: {method: ties}\n"

  /// The failure that reading `text` gives; records an issue if it gives none.
  func failure(_ text: String, overrides: [String] = [], limits: Limits = .init()) -> Failure? {
    #expect(throws: Failure.self) {
      try Recipe.parse(
        text, file: "r.yaml", overrides: overrides.map { try Override($0, limits: limits) }, limits: limits)
    }
  }

  @Test func keepsEveryValueWithItsPlace() throws {
    let text = try String(contentsOfFile: fixture("recipes/ok-everything.yaml"), encoding: .utf8)
    let recipe = try Recipe.parse(text, file: "r.yaml")
    #expect(
      recipe.clients.map(\.value.path.value) == [
        "../checkpoints/medical.tar.zst", "../checkpoints/financial.tar.gz", "b.zip",
      ])
    #expect(recipe.clients[0].path.origin == .file(.init(line: 4, column: 5)))
    #expect(recipe.clients[1].name == Located("financial", .file(.init(line: 6, column: 11))))
    #expect(recipe.clients[1].checkpoint?.value == .step(60))
    #expect(recipe.clients[2].checkpoint?.value == .last)
    #expect(recipe.clients[1].parameters.map(\.value) == [0.3])
    #expect(recipe.score.map(\.value.scorer.value) == ["clues", "perplexity"])
    #expect(recipe.score.map(\.value.weight.value) == [0.75, 1])
    #expect(recipe.score[1].weight.isDefault)
    #expect(recipe.select?.calibrate.value == .client)
    #expect(recipe.weights?.value == .keptShare)
    let merge = try #require(recipe.merge)
    #expect(merge.space?.value == .factors)
    #expect(merge.rank?.value == .count(8))
    #expect(merge.absolute.value == .take("medical"))
    #expect(merge.parameters.map(\.name) == ["density", "normalize", "note", "lambda"])
    #expect(merge.parameters[0].value == [0.1, 0.2, 0.3])
    #expect(merge.parameters[1].value == true)
    #expect(merge.parameters[2].value == "1e3")
    #expect(
      merge.parameters[3].value == [
        ["filter": "self_attn", "value": 0.001], ["filter": "mlp", "value": [0.5, 1]],
      ])
    #expect(merge.parameters[1].origin == .file(.init(line: 26, column: 16)))
    #expect(recipe.output.dtype.value == .bfloat16)
    #expect(recipe.seed.value == 42)
    #expect(recipe.plugins.map(\.digest) == [String(repeating: "0123456789abcdef", count: 4)])
  }

  @Test func fillsInTheDefaults() throws {
    let recipe = try Recipe.parse(smallest, file: "r.yaml")
    #expect(
      recipe.jsonValue == [
        "clues": 1, "clients": [["path": "a.zip"]], "weights": "equal",
        "merge": ["method": "ties", "missing": "zero", "absolute": "refuse"],
        "output": ["dtype": "auto"], "seed": 0,
      ])
    #expect(recipe.merge?.rank == nil)
    #expect(recipe.merge?.method.isDefault == false)
  }

  @Test func dropsTheDefaultsThatOtherKeysRuleOut() throws {
    let energy = try Recipe.parse("clients: [a]\nmerge: {method: ties, energy: 0.9}", file: "r.yaml")
    #expect(energy.merge?.rank == nil)
    let weighted = try Recipe.parse("clients: [{path: a, weight: 2}]\nmerge: {method: ties}", file: "r.yaml")
    #expect(weighted.weights == nil)
    let scoring = try Recipe.parse("clients: [a]\nscore: {scorer: clues}", file: "r.yaml")
    #expect(scoring.weights == nil)
    #expect(scoring.merge == nil)
    #expect(scoring.combine == nil && scoring.score[0].value.side == nil)
    let several = "clients: [a]\nscore: [{scorer: clues}, {scorer: ifd}]\n"
    let shortfall = try Recipe.parse(several, file: "r.yaml")
    #expect(shortfall.combine?.value == .shortfall && shortfall.score.map(\.value.side?.value) == [.low, .low])
    let sum = try Recipe.parse(several, file: "r.yaml", overrides: [Override("combine=sum")])
    #expect(sum.combine?.value == .sum && sum.score.allSatisfy { $0.value.side == nil })
  }

  /// They are of runs that summed.
  @Test func `records without a combination are repeated as they were`() throws {
    try withTemporaryFolder { folder in
      func recorded(_ combine: JSONValue?) throws -> Recipe {
        var recipe: JSONObject = ["clients": ["a"], "score": [["scorer": "clues"], ["scorer": "ifd"]]]
        recipe["combine"] = combine
        let path = folder.appending(path: "run.json").path
        try JSONValue.object(["schema": "clues/run/1", "recipe": .object(recipe)]).text().write(
          toFile: path, atomically: true, encoding: .utf8)
        return try Recipe.read(path: path)
      }
      let read = try ["shortfall", "sum", nil].map { try recorded($0).combine?.value }
      #expect(read == [.shortfall, .sum, .sum])
    }
  }

  @Test func takesTheTextOfWordsThatYAMLTakesForOthers() throws {
    let text = try String(contentsOfFile: fixture("recipes/ok-words-of-yaml-1.1.yaml"), encoding: .utf8)
    let recipe = try Recipe.parse(text, file: "r.yaml")
    #expect(recipe.clients.map(\.value.path.value) == ["no", "on", "1e3", "010", "2024-01-01"])
    #expect(recipe.merge?.method.value == "yes")
    #expect(recipe.merge?.parameters.first?.value == "off")
  }

  @Test func resolvesPathsFromTheRecipesFolder() throws {
    let recipe = try Recipe.parse("clients: [../a.zip, /b.zip]\nmerge: {method: t}", file: "some/where/r.yaml")
    #expect(recipe.clients.map { recipe.path($0.path) } == ["some/where/../a.zip", "/b.zip"])
    #expect(try Recipe.parse(smallest, file: "r.yaml").clients.map { $0.path.value } == ["a.zip"])
    #expect(try Recipe.parse(smallest, file: "r.yaml").folder == "")
  }

  @Test func readsMarksAndLineEndsOfOtherSystems() throws {
    let windows = "\u{FEFF}" + smallest.replacingOccurrences(of: "\n", with: "\r\n")
    #expect(try Recipe.parse(windows, file: "r.yaml").text == Recipe.parse(smallest, file: "r.yaml").text)
    #expect(failure("\u{FEFF}clients: []\r\n")?.position == .init(line: 1, column: 10))
    #expect(failure("clients: [a]\r\nmerge: {metod: t}\r\n")?.position == .init(line: 2, column: 9))
  }

  @Test func countsColumnsInCharactersOfUnicode() throws {
    #expect(failure("clients: [äöü, {}]\nmerge: {method: t}")?.position == .init(line: 1, column: 16))
  }

  @Test func writesTheErrorThatPeopleRead() throws {
    let text = "clients:\n  - a.zip\nmerge:\n  metod: ties\n"
    let failure = #expect(throws: Failure.self) { try Recipe.parse(text, file: "recipes/ties.yaml") }
    #expect(
      failure?.description
        == "recipes/ties.yaml:4:3: error: unknown key 'metod' in 'merge'\n  help: did you mean 'method'?")
  }

  @Test func placesTheFailuresOfOthers() throws {
    let recipe = try Recipe.parse(smallest, file: "r.yaml", overrides: [Override("merge.parameters.density=2")])
    let method = try #require(recipe.merge?.method)
    #expect(
      recipe.failure("no such method", at: method.origin, advice: "look").description
        == "r.yaml:2:17: error: no such method\n  help: look")
    let density = try #require(recipe.merge?.parameters.first)
    #expect(
      recipe.failure("too large", at: density.origin).description
        == "r.yaml: error: too large (from --set merge.parameters.density=2)")
  }

  @Test func obeysLimits() throws {
    var limits = Limits()
    limits[.recipeSize] = smallest.utf8.count
    _ = try Recipe.parse(smallest, file: "r.yaml", limits: limits)
    limits[.recipeSize] -= 1
    #expect(failure(smallest, limits: limits)?.message == "the recipe has more than \(limits[.recipeSize]) bytes")
    limits = Limits()
    limits[.recipeValues] = 4
    #expect(failure(smallest, limits: limits)?.message.hasPrefix("the recipe has more than 4 values") == true)
  }

  @Test func readsFiles() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "r.yaml")
      try Data(smallest.utf8).write(to: file)
      #expect(try Recipe.read(path: file.path).folder == folder.path + "/")
      try Data([0x63, 0xFF, 0x0A]).write(to: file)
      #expect(throws: Failure(.badRecipe, "the recipe is not UTF-8 text", advice: "save it as UTF-8", file: file.path))
      {
        try Recipe.read(path: file.path)
      }
      try Data(repeating: 0x23, count: 1 << 20 + 1).write(to: file)
      let large = #expect(throws: Failure.self) { try Recipe.read(path: file.path) }
      #expect(large?.message == "the recipe has more than 1048576 bytes")
      #expect(large?.file == file.path)
      let missing = #expect(throws: Failure.self) { try Recipe.read(path: folder.path + "/none.yaml") }
      #expect(missing?.kind == .missingInput)
      let directory = #expect(throws: Failure.self) { try Recipe.read(path: folder.path) }
      #expect(directory?.kind == .missingInput)
    }
  }

  @Test func explainsEveryDecision() throws {
    let text = """
      clients:
        - a.zip
        - {path: b.zip, name: bee, checkpoint: 60}
      merge:
        method: ties
        space: factors
        parameters: {density: 0.2}
      """
    let recipe = try Recipe.parse(text, file: "r.yaml", overrides: [Override("seed=7")])
    #expect(
      recipe.explanation() == """
        clues                     1 (default)
        clients.0.path            a.zip
        clients.0.checkpoint      the final adapter, else the last checkpoint's (default)
        clients.1.path            b.zip
        clients.1.name            bee
        clients.1.checkpoint      60
        score                     nothing is scored (default)
        weights                   equal (default): all clients have the same weight
        merge.method              ties
        merge.space               factors: A and B separately, as PEFT does; inexact, equal ranks only
        merge.parameters.density  0.2
        merge.rank                depends on the space (default)
        merge.split               sqrt (default): A and B each take the square root of the weight
        merge.missing             zero (default): a module that a client lacks counts as zero
        merge.absolute            refuse (default): an adapter with such tensors is an error
        output.path               runs/<recipe>, unless the command line says otherwise (default)
        output.format             what the output's file name extension says (default)
        output.dtype              auto (default): the type of the inputs, or float32 if they differ
        output.rank_layout        uniform if that adds less than 10 % more parameters, else exact (default)
        seed                      7

        """)
  }
}
