import Adapters
import Diagnostics
import Tensors

/// One file of a bundle that Clues knows.
public struct BundleFile: Sendable {
  /// The path inside the bundle, without a wrapping folder: `checkpoint-30/optimizer.pt`.
  public let path: String

  /// How messages call it: `in/medical.tar.zst: medical/checkpoint-30/optimizer.pt`.
  public let name: String

  /// Its bytes once decoded.
  public let size: Int

  /// What it is a part of; nil for the manifest, which is always read.
  let part: Part?

  /// Where it lies, if the bundle is a folder.
  public let diskPath: String?

  /// How much it may ask of whoever reads it, as said when the bundle was opened.
  public let limits: Limits

  var content: Bytes?

  /// Whether the content was asked for when the bundle was opened.
  public var isRead: Bool { content != nil }

  /// The content; it stays valid for as long as somebody holds it.
  ///
  /// - throws: ``Failure`` `usage` when its part was not asked for when the bundle was opened.
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
  /// The adapter's name; `default` for the one that lies in no folder of its own.
  public let name: String

  /// `adapter_config.json`
  public let config: BundleFile

  /// `adapter_model.safetensors`
  public let weights: BundleFile

  /// What PEFT calls an adapter that nobody named.
  public static let defaultName = "default"

  /// Reads the adapter.
  ///
  /// - throws: ``Failure`` `badData` as ``Adapter/init(config:configFile:weights:weightsFile:limits:)``, `usage` when its
  ///   part was not asked for when the bundle was opened.
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

  /// Optimizer states in layouts that are not read here (`optimizer.bin`, `optimizer_0/`, `global_step30/`), by name.
  public let otherOptimizers: [String]

  /// `trainer_state.json`
  public let trainerState: BundleFile?

  public let gradients: GradientFiles
}
