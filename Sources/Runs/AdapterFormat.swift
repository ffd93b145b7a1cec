import Adapters
import Diagnostics
import Merging
import Tensors

/// A form of adapters on disk: its files, the position of the tensors in theirs, and how to read everything back.
///
/// To add one, write a file with its type and add a line to ``OutputFormat/all``.
protocol AdapterFormat: Sendable {
  /// The program that loads such adapters, as named in model cards.
  var library: String { get }

  /// The file with the tensors.
  var weights: String { get }

  /// The type of the factors if the recipe says nothing; nil for that of the inputs.
  var dtype: DType? { get }

  /// Refuses adapters whose merge the format cannot hold, before any work.
  ///
  /// - parameters:
  ///   - replaced: The names of the tensors in the result that replace the base model's.
  ///   - dtype: The type of the result.
  /// - throws: ``Failure`` `badData` that names the client and the tensor.
  func check(_ adapters: [WeightedAdapter], replaced: [String], dtype: DType) throws

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

extension AdapterFormat {
  /// The type of a result's factors.
  func dtype(of adapters: [WeightedAdapter], _ settings: MergeSettings) -> DType {
    settings.dtype ?? dtype ?? adapters.commonDType
  }
}

extension Failure {
  /// An adapter on disk that is not the intended one.
  ///
  /// - parameter what: The difference, if it is known.
  static func readsBackDifferently(_ what: String? = nil) -> Failure {
    Failure(
      .cannotWrite, "the written adapter reads back differently" + (what.map { ": \($0)" } ?? ""),
      advice: "the disk may be failing; if it happens again, report it as a fault of Clues")
  }
}
