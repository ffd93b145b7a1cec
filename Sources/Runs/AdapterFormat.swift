import Adapters
import Tensors

/// A form of adapters on disk: its files, the position of the tensors in theirs, and how to read everything back.
///
/// To add one, write a file with its type and add a line to ``OutputFormat/all``.
protocol AdapterFormat: Sendable {
  /// The program that loads such adapters, as named in model cards.
  var library: String { get }

  /// The file with the tensors.
  var weights: String { get }

  /// All files.
  var files: [String] { get }

  /// The positions of tensors that are still to be merged, by PEFT's names; nil if only the whole adapter determines them.
  func draft(of tensors: [WeightsLayout.Entry]) -> WeightsLayout?

  /// The tensors of an adapter as its file has them, and their positions.
  func contents(of adapter: MergedAdapter) throws -> (layout: WeightsLayout, tensors: [String: Tensor])

  /// The files besides that of the tensors.
  func texts(of adapter: MergedAdapter) throws -> [(name: String, text: String)]

  /// Reads the written files as their users will, and compares them with the intended adapter.
  ///
  /// - parameters:
  ///   - read: The bytes of a file of the adapter, by its name.
  ///   - same: Whether the first tensor, which was read, equals the second, which was intended.
  /// - throws: ``Failure`` `cannotWrite` if the disk returns something else, `badData` if other programs would interpret it
  ///   differently.
  func verify(
    _ adapter: MergedAdapter, threads: Int, reading read: (_ file: String) throws -> Bytes,
    comparing same: @Sendable (Tensor, Tensor) throws -> Bool
  ) throws
}
