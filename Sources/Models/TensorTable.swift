import Diagnostics

/// The tensors of a model by name, from which each is taken once: what is left over was not understood.
struct TensorTable {
  private var tensors: [String: StoredTensor]

  /// The folder or file of the model, for messages.
  let place: String

  init(_ tensors: [String: StoredTensor], place: String) {
    self.tensors = tensors
    self.place = place
  }

  func has(_ name: String) -> Bool { tensors[name] != nil }

  /// The extents of a tensor, if there is one of that name.
  func shape(of name: String) -> [Int]? { tensors[name]?.shape }

  var names: [String] { Array(tensors.keys) }

  /// The tensor of that name, whose extents must be `shape`.
  mutating func take(_ name: String, _ shape: [Int]) throws -> StoredTensor {
    guard let tensor = tensors.removeValue(forKey: name) else {
      throw Failure(
        .badData, "is missing from the model",
        advice: "check that all files of the model were copied, and that its config belongs to them", file: place,
        tensor: name)
    }
    guard tensor.shape == shape else {
      throw Failure(
        .badData, "has the shape \(tensor.shape), where the config of the model wants \(shape)",
        advice: "the config and the weights must come from the same model", file: tensor.file, tensor: name)
    }
    return tensor
  }

  /// A few numbers that every token meets, [count]: norms and biases, checked here and now.
  mutating func vector(_ name: String, _ count: Int) throws -> [Float] {
    let tensor = try take(name, [count])
    guard tensor.format.blockLength == 1 else {
      throw Failure(
        .badData, "is stored as \(tensor.format.rawValue), where norms and biases are plain floats", file: tensor.file,
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

  /// Takes away a tensor that changes nothing.
  mutating func drop(_ name: String) { tensors[name] = nil }

  /// Refuses what nobody asked for: a part of the model that we do not compute.
  func refuseRest() throws {
    guard let name = tensors.keys.min(), let tensor = tensors[name] else { return }
    let others = tensors.count > 1 ? ", nor are \(tensors.count - 1) others" : ""
    throw Failure(
      .badData, "is no part of such a model\(others)",
      advice: "models with parts besides those of the Llama family are not computed", file: tensor.file, tensor: name)
  }
}
