import Adapters
import Diagnostics
import Tensors

/// One file of a bundle that Clues knows.
public struct BundleFile: Sendable {
  /// The path inside the bundle, without a wrapping folder: `checkpoint-30/optimizer.pt`.
  public let path: String

  /// The name in messages: `in/medical.tar.zst: medical/checkpoint-30/optimizer.pt`.
  public let name: String

  /// Its decoded size in bytes.
  public let size: Int

  /// The part it belongs to; nil for the manifest, which is always read.
  let part: Part?

  /// Its path on disk, if the bundle is a folder.
  public let diskPath: String?

  /// The limits for reading it, as given when the bundle was opened.
  public let limits: Limits

  var content: Bytes?

  /// Whether the content was requested when the bundle was opened.
  public var isRead: Bool { content != nil }

  /// The content; valid as long as it is retained.
  ///
  /// - throws: ``Failure`` `usage` if its part was not requested when the bundle was opened.
  public func bytes() throws -> Bytes {
    guard let content else {
      throw Failure(
        .usage, "was not read",
        advice: "open the bundle asking for its part '\(part?.rawValue ?? "manifest")'", file: name)
    }
    return content
  }
}

/// The two files of one adapter in PEFT format.
public struct AdapterFiles: Sendable {
  /// The adapter's name; `default` for the one without a folder of its own.
  public let name: String

  /// `adapter_config.json`
  public let config: BundleFile

  /// `adapter_model.safetensors`
  public let weights: BundleFile

  /// PEFT's name for an adapter without one.
  public static let defaultName = "default"

  /// Reads the adapter.
  ///
  /// - throws: ``Failure`` `badData` as ``Adapter/init(config:configFile:weights:weightsFile:limits:)``, `usage` if its part
  ///   was not requested when the bundle was opened.
  public func adapter() throws -> Adapter {
    try Adapter(
      config: config.bytes(), configFile: config.name, weights: weights.bytes(), weightsFile: weights.name,
      limits: weights.limits)
  }
}

/// The per-sample gradients of one checkpoint.
public struct GradientFiles: Sendable {
  /// `gradients/train.safetensors`
  public let train: BundleFile?

  /// `gradients/anchor.safetensors`
  public let anchor: BundleFile?

  /// `gradients/validation.<domain>.safetensors` by domain.
  public let validation: [String: BundleFile]

  public var isEmpty: Bool { train == nil && anchor == nil && validation.isEmpty }
}

/// The state of a client's training at one step.
public struct Checkpoint: Sendable {
  /// The step, from the folder's name.
  public let step: Int

  /// The folder: `checkpoint-30`.
  public let folder: String

  public let adapter: AdapterFiles

  /// `optimizer.pt`
  public let optimizer: BundleFile?

  /// Optimizer states in layouts that Clues does not read (`optimizer.bin`, `optimizer_0/`, `global_step30/`), by name.
  public let otherOptimizers: [String]

  /// `trainer_state.json`
  public let trainerState: BundleFile?

  public let gradients: GradientFiles
}
