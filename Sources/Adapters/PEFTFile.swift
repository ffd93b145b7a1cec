/// The names of the files of an adapter, as PEFT gives them.
public enum PEFTFile {
  public static let config = "adapter_config.json"
  public static let weights = "adapter_model.safetensors"
  /// Weights as a pickle.
  public static let pickledWeights = "adapter_model.bin"
  /// The index of weights in several files, ``isShard(_:)``.
  public static let shardIndex = weights + ".index.json"

  /// Whether this is the name of one of several files of weights.
  public static func isShard(_ name: String) -> Bool {
    name.hasPrefix("adapter_model-") && name.hasSuffix(".safetensors")
  }
}
