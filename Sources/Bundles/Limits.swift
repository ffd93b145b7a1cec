/// How much a bundle may ask of us before it is refused; the defaults fit any honest run of a LoRA fine-tune.
public struct Limits: Sendable, Equatable {
  /// Files and folders in one bundle. A hundred checkpoints of the Trainer come to about 1500.
  public var entries = 10_000

  /// Bytes of one file once decoded.
  public var entrySize = 16 << 30

  /// Bytes of all files of one bundle once decoded, wanted or not.
  public var totalSize = 64 << 30

  /// Decoded bytes for each byte of the archive. Weights hardly compress; moments that are still zero do, a little.
  public var ratio = 200

  /// Decoded bytes up to which `ratio` does not count, since small files of zeros compress without end.
  public var ratioFloor = 64 << 20

  /// Bytes of one path.
  public var pathLength = 1024

  /// Components of one path.
  public var pathDepth = 16

  /// Bytes of one JSON document (`clues.json`, `adapter_config.json`, `trainer_state.json`).
  public var jsonSize = 64 << 20

  /// Bytes of decoded files that one compressed archive may hold in memory; those beyond go to unlinked temporary files.
  public var memory = 16 << 20

  public init() {}
}
