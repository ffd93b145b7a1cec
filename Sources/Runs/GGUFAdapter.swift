import Adapters
import Diagnostics
import Models
import Tensors

/// The content of a GGUF file with a LoRA adapter, as llama.cpp loads it.
///
/// llama.cpp computes α/r·B·A for each pair of tensors, with one α for all of them; A and B are called
/// `<matrix>.lora_a` and `<matrix>.lora_b`. Rows of B are in the order of the matrix, which for queries and keys of the
/// architecture `llama` is not Hugging Face's, and A of the embeddings is transposed (`convert_lora_to_gguf.py` and
/// `llama-adapter.cpp` in https://github.com/ggml-org/llama.cpp).
struct GGUFAdapter {
  /// The usual type of A and B: with 16-bit factors, llama.cpp also rounds what they are multiplied by to 16 bits.
  static let dtype = DType.f32

  let metadata: [(key: String, value: GGUFValue)]
  let tensors: [String: Tensor]

  /// - parameters:
  ///   - modules: The adapted layers; with one rank, or padded to the largest.
  ///   - scaling: The factor of B·A, in every layer.
  ///   - base: The model that is adapted.
  /// - throws: ``Failure`` `badData` that names a layer that llama.cpp cannot adapt.
  init(_ modules: [MergedAdapter.Module], scaling: Double = 1, base: ModelOutline) throws {
    let rank = modules.map(\.rank).max() ?? 1
    metadata = [
      ("general.architecture", .text(base.architecture)), ("general.type", .text("adapter")),
      ("adapter.type", .text("lora")), ("adapter.lora.alpha", .number(scaling * Double(rank))),
    ]
    var tensors: [String: Tensor] = [:]
    for module in modules {
      let target = try base.target(ofLayer: module.name)
      let wide = module.written(withRank: rank)
      tensors["\(target.name).lora_a"] = module.kind == .embedding ? wide.a.transposed : wide.a
      tensors["\(target.name).lora_b"] = wide.b.movingRows(as: target)
    }
    self.tensors = tensors
  }

  /// Refuses layers that llama.cpp cannot adapt.
  ///
  /// - parameter dtype: The type in which A and B are written.
  /// - throws: ``Failure`` `badData` that names the layer.
  static func check(_ module: LoRAModule, of base: ModelOutline, storedAs dtype: DType) throws {
    let target = try base.target(ofLayer: module.name)
    if module.bias != nil {
      throw Failure(
        .badData, "has a bias in lora_B (lora_bias), which llama.cpp does not have", advice: "train without lora_bias",
        tensor: module.name)
    }
    guard WeightFormat(dtype) != nil else {
      throw Failure(
        .badData, "would be written as \(dtype.torchName), which llama.cpp does not have for adapters",
        advice: "write it as float32: --dtype float32", tensor: module.name)
    }
    let shape = module.kind == .embedding ? [module.inputs, module.outputs] : [module.outputs, module.inputs]
    guard module.kind != .convolution, shape == target.shape else {
      throw Failure(
        .badData, "changes a matrix of the shape \(shape), but the base model's is \(target.shape)",
        advice: "check that the adapters belong to this base model", tensor: module.name)
    }
  }

  /// Refuses tensors that replace the base model's.
  static func checkReplaced(_ names: [String]) throws {
    guard let name = names.min() else { return }
    throw Failure(
      .badData, "replaces a tensor of the base model, which an adapter in GGUF cannot",
      advice: "write a PEFT folder and fold it into the base model, or train without modules_to_save", tensor: name)
  }

  var layout: WeightsLayout {
    WeightsLayout(
      gguf: tensors.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { .init(name: $0.key, dtype: $0.value.dtype, shape: $0.value.shape) }, metadata: metadata)
  }

  /// Whether a file holds just this.
  ///
  /// - parameter same: Whether a tensor that was read equals one that was intended.
  func isContent(of file: GGUFFile, comparing same: (Tensor, Tensor) throws -> Bool) throws -> Bool {
    let expected = Dictionary(uniqueKeysWithValues: metadata.map { ($0.key, $0.value) })
    // Numbers are stored as float32.
    guard Set(file.tensors.keys) == Set(tensors.keys), file.metadata == expected.mapValues(\.stored) else {
      return false
    }
    return try tensors.allSatisfy { name, tensor in
      guard let read = file.tensors[name], read.format == WeightFormat(tensor.dtype), read.shape == tensor.shape else {
        return false
      }
      return try same(Tensor(dtype: tensor.dtype, shape: tensor.shape, bytes: read.bytes), tensor)
    }
  }
}

extension GGUFValue {
  fileprivate var stored: GGUFValue {
    if case .number(let value) = self { .number(Double(Float(value))) } else { self }
  }
}

extension Tensor {
  /// The matrix with rows and columns exchanged.
  fileprivate var transposed: Tensor {
    let (rows, columns, size) = (shape[0], shape[1], dtype.size)
    let moved = bytes.withUnsafeBytes { source in
      [UInt8](unsafeUninitializedCapacity: source.count) { target, count in
        for row in 0..<rows {
          for column in 0..<columns {
            let (from, to) = ((row * columns + column) * size, (column * rows + row) * size)
            UnsafeMutableRawBufferPointer(target).baseAddress!.advanced(by: to)
              .copyMemory(from: source.baseAddress! + from, byteCount: size)
          }
        }
        count = source.count
      }
    }
    return Tensor(dtype: dtype, shape: [columns, rows], bytes: Bytes(moved))
  }

  /// The matrix with its rows in GGUF's order.
  fileprivate func movingRows(as target: GGUFTarget) -> Tensor {
    guard target.isReordered else { return self }
    let size = bytes.count / shape[0]
    let moved = bytes.withUnsafeBytes { source in
      [UInt8](unsafeUninitializedCapacity: source.count) { rows, count in
        for row in 0..<shape[0] {
          UnsafeMutableRawBufferPointer(rows).baseAddress!.advanced(by: target.position(ofOutput: row) * size)
            .copyMemory(from: source.baseAddress! + row * size, byteCount: size)
        }
        count = source.count
      }
    }
    return Tensor(dtype: dtype, shape: shape, bytes: Bytes(moved))
  }
}
