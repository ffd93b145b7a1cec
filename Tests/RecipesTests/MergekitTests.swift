import Diagnostics
import Foundation
import Recipes
import TestSupport
import Testing

/// Mergekit files give the same recipe as the one that says it in our language; Tests/Fixtures/recipes/mergekit-*.yaml
/// has those that are refused.
@Suite struct MergekitTests {
  struct Pair: CustomTestStringConvertible, Sendable {
    let mergekit: String
    let native: String
    var testDescription: String {
      mergekit.split(separator: "\n").first { $0.contains("merge_method") }.map(String.init) ?? ""
    }
  }

  /// The names that mergekit 0.1.4 registers.
  static let methods = [
    "arcee_fusion", "breadcrumbs", "breadcrumbs_ties", "dare_linear", "dare_ties", "della", "della_linear", "karcher",
    "linear", "model_stock", "multislerp", "nearswap", "nuslerp", "passthrough", "ram", "ramplus_tl", "sce", "slerp",
    "task_arithmetic", "ties",
  ]

  static let weighted = """
    models:
      - {model: a.zip, parameters: {weight: 0.7}}
      - {model: sub/b, parameters: {weight: -0.3}}

    """
  static let clients = "clients: [{path: a.zip, weight: 0.7}, {path: sub/b, weight: -0.3}]\n"
  static let plain = "models: [{model: a.zip}, {model: sub/b}]\n"
  static let plainClients = "clients: [a.zip, sub/b]\n"

  static func weighted(_ rest: String, _ merge: String) -> Pair {
    Pair(mergekit: weighted + rest, native: clients + "merge: {space: delta, \(merge)}")
  }

  static func plain(_ rest: String, _ merge: String) -> Pair {
    Pair(mergekit: plain + rest, native: plainClients + "merge: {space: delta, \(merge)}")
  }

  static let pairs = [
    weighted("merge_method: linear", "method: average"),
    weighted("merge_method: linear\nparameters: {normalize: 0.0}", "method: average, parameters: {normalize: false}"),
    weighted(
      "merge_method: task_arithmetic\nparameters: {lambda: [0.5, 1]}",
      "method: task-arithmetic, parameters: {lambda: [0.5, 1]}"),
    weighted("merge_method: ties", "method: ties, parameters: {preset: mergekit, density: 1}"),
    weighted(
      "merge_method: ties\nbase_model: org/base\nparameters: {density: 0.2, normalize: false, rescale: true}",
      "method: ties, base_model: org/base, "
        + "parameters: {preset: mergekit, density: 0.2, divide: none, rescale: l1}"),
    weighted(
      "merge_method: ties\nparameters: {density: [{filter: mlp, value: [0.1, 0.2]}]}",
      "method: ties, parameters: {preset: mergekit, "
        + "density: [{filter: mlp, value: [0.1, 0.2]}, {filter: '*', value: 1}]}"),
    weighted(
      "merge_method: dare_ties\nparameters: {density: 0.5, normalize: true, rescale: false, int8_mask: true}",
      "method: dare-ties, parameters: {preset: mergekit, density: 0.5, divide: weights, rescale: none}"),
    weighted(
      "merge_method: dare_linear\nparameters: {normalize: true}",
      "method: dare-linear, parameters: {preset: mergekit, normalize: true, density: 1}"),
    weighted(
      "merge_method: breadcrumbs\nparameters: {density: 0.9, gamma: 0.02}",
      "method: breadcrumbs, parameters: {density: 0.9, gamma: 0.02}"),
    weighted(
      "merge_method: breadcrumbs_ties\nparameters: {density: 0.9, normalize: true}",
      "method: breadcrumbs-ties, parameters: {density: 0.9, divide: weights}"),
    weighted(
      "merge_method: della\nparameters: {density: 0.5, epsilon: 0.1, normalize: false}",
      "method: della, parameters: {preset: mergekit, density: 0.5, epsilon: 0.1, divide: none}"),
    weighted(
      "merge_method: della_linear\nparameters: {density: 0.5, normalize: 1}",
      "method: della-linear, parameters: {preset: mergekit, density: 0.5, normalize: true}"),
    weighted(
      "merge_method: nuslerp\nparameters: {nuslerp_flatten: true}", "method: slerp"),
    plain("merge_method: sce\nparameters: {select_topk: 0.3}", "method: sce, parameters: {select_topk: 0.3}"),
    plain(
      "merge_method: model_stock\nbase_model: org/base\nparameters: {filter_wise: false}",
      "method: model-stock, base_model: org/base"),
    plain(
      "merge_method: karcher\nparameters: {max_iter: 20, tol: 1e-6}",
      "method: karcher, parameters: {max_iter: 20, tol: 1e-6}"),
    Pair(
      mergekit: plain + "merge_method: slerp\nbase_model: sub/b\nparameters: {t: [0, 1]}\ndtype: bfloat16",
      native: "clients: [{path: a.zip, name: to}, {path: sub/b, name: from}]\n"
        + "merge: {method: slerp, space: delta, parameters: {t: [0, 1]}}\noutput: {dtype: bfloat16}"),
    Pair(
      mergekit: """
        models:
          - {model: a, parameters: {weight: 1, density: [{filter: q_proj, value: 0.3}]}}
          - {model: b, parameters: {weight: 1, density: [{filter: q_proj, value: 0.3}, {value: 0.4}]}}
        merge_method: ties
        """,
      native: """
        clients:
          - {path: a, weight: 1, parameters: {density: [{filter: q_proj, value: 0.3}]}}
          - {path: b, weight: 1, parameters: {density: [{filter: q_proj, value: 0.3}, {filter: '*', value: 0.4}]}}
        merge: {method: ties, space: delta, parameters: {preset: mergekit, density: 1}}
        """),
    Pair(
      mergekit: """
        models:
          - {model: a, parameters: {weight: 1, density: 0.3}}
          - {model: b, parameters: {density: 0.4}}
        merge_method: ties
        parameters: {weight: 2}
        """,
      native: """
        clients:
          - {path: a, weight: 1, parameters: {density: 0.3}}
          - {path: b, weight: 2, parameters: {density: 0.4}}
        merge: {method: ties, space: delta, parameters: {preset: mergekit}}
        """),
  ]

  /// Parameters stand in no order that counts.
  func canonical(_ text: String) throws -> String {
    let recipe = try Recipe.parse(text, file: "m.yml")
    let object = try #require(JSONSerialization.jsonObject(with: Data(recipe.text.utf8)) as? NSObject)
    let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .prettyPrinted])
    return String(decoding: data, as: UTF8.self)
  }

  @Test(arguments: pairs) func saysTheSameAsOurLanguage(_ pair: Pair) throws {
    #expect(try canonical(pair.mergekit) == canonical(pair.native))
  }

  @Test func keepsEveryValueWithItsPlace() throws {
    let text = try String(contentsOfFile: fixture("recipes/mergekit-ok-ties.yaml"), encoding: .utf8)
    let recipe = try Recipe.parse(text, file: "some/where/m.yml")
    #expect(recipe.path(recipe.clients[0].path) == "some/where/../medical")
    #expect(recipe.clients[0].path.origin == .file(.init(line: 3, column: 12)))
    #expect(recipe.clients[0].weight == Located(0.7, .file(.init(line: 4, column: 40))))
    #expect(recipe.clients[1].parameters.map(\.value) == [[1, 0.7, 0.1]])
    #expect(recipe.clients[1].parameters.map(\.origin) == [.file(.init(line: 7, column: 16))])
    let merge = try #require(recipe.merge)
    #expect(merge.method == Located("ties", .file(.init(line: 9, column: 15))))
    #expect(merge.baseModel?.origin == .file(.init(line: 10, column: 13)))
    let divide = try #require(merge.parameters.first { $0.name == "divide" })
    #expect(divide.value == "weights")
    #expect(divide.origin == .file(.init(line: 12, column: 14)))
    #expect(recipe.output.dtype == Located(.bfloat16, .file(.init(line: 15, column: 12))))
  }

  @Test func takesSettingsInOurLanguage() throws {
    let recipe = try Recipe.parse(
      Self.plain + "merge_method: karcher", file: "m.yml",
      overrides: [Override("merge.rank=4"), Override("clients.0.name=first"), Override("seed=7")])
    #expect(recipe.merge?.rank?.value == .count(4))
    #expect(recipe.clients[0].name?.value == "first")
    #expect(recipe.seed.value == 7)
  }

  @Test func explainsWhatBecameOfEveryKey() throws {
    let text = try String(contentsOfFile: fixture("recipes/mergekit-ok-ties.yaml"), encoding: .utf8)
    let explanation = try Recipe.parse(text, file: "m.yml").explanation()
    let parts = explanation.components(separatedBy: "\nFrom the mergekit file:\n")
    try #require(parts.count == 2)
    #expect(parts[0].contains("merge.method "))
    #expect(
      parts[1] == """
        merge_method                 merge.method = ties
        merge_method                 merge.space = delta: methods work on differences from the base, and adapters are such differences
        models.0.model               clients.0.path
        models.0.parameters.density  clients.0.parameters.density
        models.0.parameters.weight   clients.0.weight
        models.1.model               clients.1.path
        models.1.parameters.density  clients.1.parameters.density
        models.1.parameters.weight   clients.1.weight
        merge_method                 merge.parameters.preset = mergekit
        parameters.normalize         merge.parameters.divide = weights
        parameters.int8_mask         nothing: it saves memory in mergekit and changes no number
        base_model                   merge.base_model: adapters are already differences from it
        out_dtype                    output.dtype
        dtype                        nothing: sums use at least float32, whatever the type of the result

        """)
    #expect(try !Recipe.parse("clients: [a]\nmerge: {method: t}", file: "r").explanation().contains("mergekit"))
  }

  @Test func everyMethodOfMergekitIsEitherTakenOrRefusedByName() {
    for name in Self.methods {
      let text = Self.plain + "merge_method: \(name)\nparameters: {weight: 1, nothing_of_mergekit: 1}\n"
      let failure = #expect(throws: Failure.self) { try Recipe.parse(text, file: "m.yml") }
      #expect(failure?.message.contains("known here") == false, "\(name)")
      #expect(failure?.message.contains(name) == true, "\(name)")
      #expect(failure?.advice != nil, "\(name)")
    }
  }
}
