/// How much a file written by `torch.save` may ask for before it is refused.
public struct TorchLimits: Sendable {
  /// Records in the container; an optimizer has three a parameter.
  public var records = 1_000_000

  /// Bytes of the container's directory.
  public var directoryBytes = 256 << 20

  /// Bytes of `data.pkl`, which holds structure and no elements.
  public var pickleBytes = 64 << 20

  /// Operations of `data.pkl`; an optimizer has some seventy a parameter.
  public var pickleOperations = 1_000_000

  public init() {}
}
