/// What a recipe may ask for before it is refused, so that a small hostile file cannot take the machine.
public struct RecipeLimits: Sendable {
  /// The size of the file in bytes.
  public var bytes = 1 << 20

  /// How deep lists and mappings may nest.
  public var depth = 32

  /// The number of values once every alias is written out.
  public var nodes = 100_000

  /// The bytes of all texts once every alias is written out.
  public var textBytes = 8 << 20

  public init() {}
}
