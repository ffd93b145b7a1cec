import Diagnostics
import JSON

/// A safetensors file, completely checked: header and offsets are in memory, elements stay in the file.
public struct SafetensorsFile: Sendable {
  public let header: SafetensorsHeader

  /// The tensors by name.
  public let tensors: [String: Tensor]

  /// The names in the order of the header.
  public var names: [String] { header.entries.map(\.name) }

  /// The texts under `__metadata__`.
  public var metadata: [String: String] { header.metadata }

  /// Reads the header of `bytes` and checks every rule of the format.
  ///
  /// - throws: ``Failure`` `badData` that names the tensor.
  public init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    let header = try bytes.withUnsafeBytes { raw in
      let length = try SafetensorsHeader.length(raw.prefix(8), fileSize: raw.count, limits: limits)
      return try SafetensorsHeader(
        UnsafeRawBufferPointer(rebasing: raw[8..<(8 + length)]), fileSize: raw.count, limits: limits)
    }
    // Its strings are copied; the headers of many files would take more memory than the current modules.
    if let end = header.entries.map(\.range.lowerBound).min() { bytes[0..<end].relinquish() }
    self.header = header
    tensors = Dictionary(
      uniqueKeysWithValues: header.entries.map {
        ($0.name, Tensor(dtype: $0.dtype, shape: $0.shape, bytes: bytes[$0.range]))
      })
  }
}
