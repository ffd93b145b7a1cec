/// The settings with which PEFT finds each tensor that replaces one of the base model's own.
struct ReplacementSettings {
  /// `modules_to_save`: entries of the inputs if PEFT would match exactly what is there, full paths otherwise.
  private(set) var modulesToSave: [String] = []

  /// `bias`: which biases of the base model there are.
  let bias: String

  /// - parameters:
  ///   - tensors: Their names in the file, without PEFT's prefix; see ``PEFTRules/fileNames(ofReplaced:besides:)``.
  ///   - modules: The adapted modules.
  ///   - base: Names of other parameters that the base model is known to have.
  init(_ tensors: [String], besides modules: [String], base: [String], inputs: [AdapterConfig]) {
    let adapted = Set(modules.map(PEFTRules.plain))
    let present = Set(tensors.map(PEFTRules.plain)).filter { !adapted.contains(PEFTRules.split($0).module) }
    let known = present.union(base.map(PEFTRules.plain))
    var entries: [PEFTRules.SavedEntry] = []
    for text in inputs.flatMap(\.modulesToSave) where !entries.contains(where: { $0.text == text }) {
      entries.append(PEFTRules.SavedEntry(text))
    }
    var rest = present
    for entry in entries {
      let matched = known.filter(entry.holds)
      guard !matched.isDisjoint(with: rest), matched.isSubset(of: present), !modules.contains(where: entry.concerns)
      else { continue }
      modulesToSave.append(entry.text)
      rest.subtract(matched)
    }
    // What no entry finds is listed by its path, but for what PEFT saves without listing it: biases, and embeddings whose
    // vocabulary was resized. Those it puts into the base model, where other layers may share them.
    var paths: [String] = []
    var biases: Set<String> = []
    for (module, leaves) in Dictionary(grouping: rest, by: { PEFTRules.split($0).module }) where !module.isEmpty {
      let isNamed = entries.contains { entry in leaves.contains(where: entry.holds) }
      if isNamed || !(leaves.allSatisfy(PEFTRules.isBias) || Self.isEmbedding(module)) {
        paths.append(module)
      } else {
        biases.formUnion(leaves.filter(PEFTRules.isBias))
      }
    }
    modulesToSave += paths.sorted()
    let ofAdapted = tensors.contains {
      PEFTRules.isBias($0) && adapted.contains(PEFTRules.split(PEFTRules.plain($0)).module)
    }
    switch (biases.isEmpty, ofAdapted) {
    case (true, false): bias = "none"
    case (true, true): bias = inputs.allSatisfy { $0.bias == "all" } ? "all" : "lora_only"
    case (false, _): bias = "all"
    }
  }

  private static func isEmbedding(_ module: String) -> Bool { embeddings.contains(PEFTRules.split(module).leaf) }

  /// The names of input and output embeddings in base models.
  private static let embeddings: Set = [
    "embed_tokens", "lm_head", "wte", "word_embeddings", "embed_in", "embed_out", "tok_embeddings", "shared",
  ]
}
