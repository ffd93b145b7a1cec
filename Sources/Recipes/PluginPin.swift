/// The one library that may provide a plugin in this run.
public struct PluginPin: Sendable, Equatable {
  /// The plugin's id.
  public var identifier: String

  /// SHA-256 of the library that provides it, 64 lower-case hexadecimal digits.
  public var digest: String

  /// The place of the digest.
  public var origin: Origin

  public init(identifier: String, digest: String, origin: Origin) {
    self.identifier = identifier
    self.digest = digest
    self.origin = origin
  }
}
