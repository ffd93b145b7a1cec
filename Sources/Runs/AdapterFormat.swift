import Adapters
import Tensors

/// A form of adapters on disk: which files there are, where the tensors lie in theirs, and how all of it is read back.
///
/// A new one is a file with its type and a line in ``OutputFormat/all``.
protocol AdapterFormat: Sendable {
  /// The program that loads such adapters, as model cards name it.
  var library: String { get }

  /// The file of the tensors.
  var weights: String { get }

  /// All files.
  var files: [String] { get }

  /// Where tensors will lie that are still to be merged, by PEFT's names; nil where only the whole adapter tells.
  func draft(of tensors: [WeightsLayout.Entry]) -> WeightsLayout?

  /// The tensors of an adapter as its file has them, and where they lie.
  func contents(of adapter: MergedAdapter) throws -> (layout: WeightsLayout, tensors: [String: Tensor])

  /// The files beside that of the tensors.
  func texts(of adapter: MergedAdapter) throws -> [(name: String, text: String)]

  /// Reads what was written as those do who load it, and compares it with what was meant.
  ///
  /// - parameters:
  ///   - read: The bytes of a file of the adapter, by its name.
  ///   - same: Whether a tensor that was read, the first, is the one that was meant.
  /// - throws: ``Failure`` `cannotWrite` when the disk gives back something else, `badData` when others would make something
  ///   else of it.
  func verify(
    _ adapter: MergedAdapter, threads: Int, reading read: (_ file: String) throws -> Bytes,
    comparing same: @Sendable (Tensor, Tensor) throws -> Bool
  ) throws
}
