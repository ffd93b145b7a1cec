import Adapters
import Bundles
import Diagnostics
import Files
import JSON
import LowRank
import Merging
import Models
import SystemPackage
import Tensors

/// Writes an adapter as one GGUF file, for llama.cpp and what is built on it.
///
/// A and B keep their bits if all layers have one scaling, which α then states; otherwise B is multiplied by that of its
/// layer, in float32. Layers of a lower rank are padded with zeros.
package struct Conversion {
  package var source: String
  package var output: String
  /// The model that is adapted: the folder of a Hugging Face model, its config.json, or a GGUF file.
  package var base: String
  /// The name of the adapter if the source has several.
  package var adapter: String?
  /// The type of A and B.
  package var dtype = GGUFAdapter.dtype
  package var replaces = false
  package var limits = Limits()

  package init(source: String, output: String, base: String) {
    self.source = source
    self.output = output
    self.base = base
  }

  /// - throws: ``Failure`` that names the tensor if llama.cpp could not load it; the output is then unchanged.
  package func run(_ observer: any Observer = Unobserved()) throws -> ConversionReport {
    try checkOutput()
    let outline = try ModelOutline(at: base, limits: limits)
    let bundle = try Bundle.open(source, wanting: [.adapter], adapter: adapter, limits: limits)
    guard let adapter = try bundle.adapter?.adapter() else {
      throw Failure(.missingInput, "holds no adapter", advice: "name a PEFT folder, or a client's bundle", file: source)
    }
    for note in bundle.notes + adapter.notes { observer.note(.warning(note)) }
    let content = try locating(file: source) {
      try GGUFAdapter.checkReplaced(Array(adapter.absolutes.keys))
      let modules = adapter.modules.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      let scalings = Set(modules.map(\.scaling))
      let common = scalings.count == 1 ? scalings.first : nil
      let stored = try modules.map { module in
        try Interruption.check()
        return try written(module, scaling: common == nil ? module.scaling : 1, outline, observer)
      }
      return try GGUFAdapter(stored, scaling: common ?? 1, base: outline)
    }
    try write(content)
    return ConversionReport(
      output: output, architecture: outline.architecture, layers: adapter.modules.count,
      rank: adapter.modules.values.map(\.rank).max() ?? 0, bytes: content.layout.size)
  }

  private func checkOutput() throws {
    guard output.lowercased().hasSuffix(".gguf") else {
      throw Failure(.usage, "the output is one GGUF file", advice: "end its name in .gguf", file: output)
    }
    guard replaces || !FilePath(output).exists else { throw Failure.exists("the output file", at: output) }
  }

  /// A layer as it is written: s·B·A with the factors in the wanted type.
  private func written(
    _ module: LoRAModule, scaling: Double, _ outline: ModelOutline, _ observer: any Observer
  ) throws -> MergedAdapter.Module {
    try GGUFAdapter.check(module, of: outline, storedAs: dtype)
    if scaling == 1, module.a.dtype == dtype, module.b.dtype == dtype {
      return MergedAdapter.Module(name: module.name, kind: module.kind, a: module.a, b: module.b)
    }
    return try locating(tensor: module.name) {
      var factors = try Factors(
        b: Matrix(rows: module.outputs, columns: module.rank, module.b.floats().map { $0 * Float(scaling) }),
        a: Matrix(rows: module.rank, columns: module.inputs, module.a.floats()))
      var type = dtype
      if type.halfRoundoff != nil {
        let rounded = try factors.rounded(to: type)
        if rounded.isInRange, rounded.isFaithful {
          factors = rounded.factors
        } else {
          observer.note(
            .warning("'\(module.name)' stays float32: \(type.torchName) would change it by more than rounding explains")
          )
          type = .f32
        }
      }
      return MergedAdapter.Module(
        name: module.name, kind: module.kind,
        a: Tensor(factors.a.elements, shape: [module.rank, module.inputs], dtype: type),
        b: Tensor(factors.b.elements, shape: [module.outputs, module.rank], dtype: type))
    }
  }

  /// Writes the file, completely or not at all, and reads it back.
  private func write(_ content: GGUFAdapter) throws {
    try writeWhole(to: output) { descriptor in
      for chunk in content.layout.chunks(of: content.tensors) {
        try Interruption.check()
        guard chunk.withUnsafeBytes({ writeAll($0, to: descriptor) }) else { throw Failure.cannotWrite(output) }
      }
      let file = try GGUFFile(Bytes(mapping: descriptor, path: output), limits: .none)
      guard try content.isContent(of: file, comparing: same) else { throw Failure.readsBackDifferently() }
    }
  }
}

/// What a conversion wrote.
package struct ConversionReport: Sendable {
  package let output: String
  package let architecture: String
  package let layers: Int
  package let rank: Int
  package let bytes: Int

  package var json: JSONValue {
    .object([
      "schema": "clues/conversion/1", "output": .string(output), "format": "gguf",
      "architecture": .string(architecture), "layers": JSONValue(layers), "rank": JSONValue(rank),
      "bytes": JSONValue(bytes),
    ])
  }
}
