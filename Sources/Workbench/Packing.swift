import Adapters
import Bundles
import Diagnostics
import JSON
import Recipes
import Tensors

/// Packs what a client hands in: known files only, adapters in another type if wanted.
public struct Packing {
  public var source: String
  public var output: String
  /// The name of the adapter that is packed where the source holds several.
  public var adapter: String?
  public var leavingOut: Set<Part> = []
  public var client: String?
  public var domain: String?
  public var dtype: DType?
  public var replaces = false
  public var limits = Limits()

  public init(source: String, output: String) {
    self.source = source
    self.output = output
  }

  /// The part that a client may leave out, by its name.
  public static func part(named name: String) throws -> Part {
    guard let part = BundleWriter.optionalParts.first(where: { $0.rawValue == name }) else {
      throw Failure(
        .usage, "--without: there is no part '\(name)'",
        advice: suggestion(for: name, among: BundleWriter.optionalParts.map(\.rawValue)))
    }
    return part
  }

  /// A type that adapters can be stored in, by its name.
  public static func dtype(named name: String) throws -> DType {
    // By the names that a recipe has for them; other spellings lead there.
    let names = ["float32", "float16", "bfloat16", "float64"]
    guard names.contains(name), let dtype = DType(name: name) else {
      throw Failure(
        .usage, "--dtype: adapters cannot be stored as '\(name)'",
        advice: Recipe.Precision(nameElsewhere: name).map { "did you mean '\($0.rawValue)'?" }
          ?? suggestion(for: name, among: names))
    }
    return dtype
  }

  public func run(_ observer: any Observer = Unobserved()) throws -> PackingList {
    let stage = PackingStage(observer)
    var writer = BundleWriter()
    writer.progress = { try stage.reach($0, of: $1) }
    writer.leavingOut = leavingOut
    writer.client = client
    writer.domain = domain
    writer.replaces = replaces
    writer.interruption = { try Interruption.check() }
    if let dtype {
      writer.transform = { [limits] path, bytes in
        guard path.hasSuffix("adapter_model.safetensors") else { return bytes }
        return try converted(bytes, to: dtype, limits)
      }
    }
    let list = try writer.pack(source, to: output, adapter: adapter, limits: limits)
    stage.end()
    return list
  }
}

/// A safetensors file with its floats in another type.
///
/// - throws: ``Failure`` `badData` when a number is too large for the type.
private func converted(_ bytes: Bytes, to dtype: DType, _ limits: Limits) throws -> Bytes {
  let file = try SafetensorsFile(bytes, limits: limits)
  let tensors = try file.tensors.sorted { $0.key < $1.key }.map { name, tensor -> (String, Tensor) in
    guard tensor.dtype.isAdapterFloat, tensor.dtype != dtype else { return (name, tensor) }
    let result = Tensor(try tensor.floats(), shape: tensor.shape, dtype: dtype)
    guard try result.isFinite() || !tensor.isFinite() else {
      throw Failure(.badData, "holds numbers too large for \(dtype.torchName)", tensor: name)
    }
    return (name, result)
  }
  return Bytes(safetensors(Dictionary(uniqueKeysWithValues: tensors), metadata: file.metadata))
}

extension PackingList {
  /// What leaves the machine and what stays.
  public func text(output: String) -> String {
    var table = Table()
    for file in packed { table.add("  " + file.path, size(file.bytes)) }
    var text = "packed into \(output), \(size(archiveBytes)):\n\(table.text)"
    if !leftOut.isEmpty {
      var rest = Table()
      for file in leftOut { rest.add("  " + file.path, size(file.bytes), file.reason.text) }
      text += "\nleft out:\n\(rest.text)"
    }
    return text
  }

  public var json: JSONValue {
    .object([
      "schema": "clues/packing/1", "bytes": JSONValue(archiveBytes),
      "packed": .array(packed.map { ["path": .string($0.path), "bytes": JSONValue($0.bytes)] }),
      "left_out": .array(
        leftOut.map { ["path": .string($0.path), "bytes": JSONValue($0.bytes), "reason": .string($0.reason.text)] }),
    ])
  }
}

extension PackingList.Reason {
  fileprivate var text: String {
    switch self {
    case .part(let part): "left out as '\(part.rawValue)'"
    case .unknown: "not part of a bundle"
    }
  }
}
