import Diagnostics

/// The tensors of a model by name, each of which is taken once: any left over are not supported.
struct TensorTable {
  private var tensors: [String: StoredTensor]

  /// The folder or file of the model, for messages.
  let place: String

  init(_ tensors: [String: StoredTensor], place: String) {
    self.tensors = tensors
    self.place = place
  }

  func has(_ name: String) -> Bool { tensors[name] != nil }

  /// The extents of a tensor, if there is one with that name.
  func shape(of name: String) -> [Int]? { tensors[name]?.shape }

  var names: [String] { Array(tensors.keys) }

  /// The tensor with that name, whose extents must be `shape`.
  mutating func take(_ name: String, _ shape: [Int]) throws -> StoredTensor {
    guard let tensor = tensors.removeValue(forKey: name) else {
      throw Failure(
        .badData, "is missing from the model",
        advice: "check that all files of the model were copied, and that its config belongs to them", file: place,
        tensor: name)
    }
    guard tensor.shape == shape else {
      throw Failure(
        .badData, "has the shape \(tensor.shape), but the config of the model requires \(shape)",
        advice: "the config and the weights must come from the same model", file: tensor.file, tensor: name)
    }
    return tensor
  }

  /// A small vector that every token uses, [count]: norms and biases, checked immediately.
  mutating func vector(_ name: String, _ count: Int) throws -> [Float] {
    let tensor = try take(name, [count])
    guard tensor.format.blockLength == 1 else {
      throw Failure(
        .badData, "is stored as \(tensor.format.rawValue), but norms and biases must be plain floats",
        file: tensor.file,
        tensor: name)
    }
    let values = tensor.floats()
    guard values.allSatisfy(\.isFinite) else {
      throw Failure(
        .badData, "holds values that are not finite", advice: "the model is damaged: fetch it again",
        file: tensor.file, tensor: name)
    }
    return values
  }

  mutating func matrix(
    _ name: String, _ rows: Int, _ columns: Int, order: WeightMatrix.RowOrder = .asTheyAre
  ) throws -> WeightMatrix {
    WeightMatrix(try take(name, [rows, columns]), order: order)
  }

  /// Discards a tensor that changes nothing.
  mutating func drop(_ name: String) { tensors[name] = nil }

  /// Refuses tensors that were not taken: parts of the model that Clues does not compute.
  func refuseRest() throws {
    guard let name = tensors.keys.min(), let tensor = tensors[name] else { return }
    let others = tensors.count > 1 ? ", nor are \(tensors.count - 1) others" : ""
    throw Failure(
      .badData, "is not part of such a model\(others)",
      advice: "models with other parts than those of the Llama family are not supported", file: tensor.file,
      tensor: name)
  }
}
