import Adapters
import Bundles
import Diagnostics
import PluginHost
import Tensors

/// The per-sample gradients of one client at one checkpoint, checked against the adapter and read in blocks of rows.
package struct GradientEvidence: Sendable {
  /// The LoRA parameters in the order in which scorers see them: natural order of the layers, A before B.
  package let parameters: [(name: String, shape: [Int])]
  /// Training samples first, then anchors.
  package let scored: [Rows]
  /// For every domain, by name.
  package let validation: [String: Rows]

  /// One gradient file: a row for each sample.
  package struct Rows: Sendable {
    package let split: PluginHost.Split
    package let stream: SafetensorsStream
    /// The file's own names of the parameters.
    package let names: [String: String]
    package let count: Int
    package let file: String

    package init(split: PluginHost.Split, stream: SafetensorsStream, names: [String: String], count: Int, file: String)
    {
      self.split = split
      self.stream = stream
      self.names = names
      self.count = count
      self.file = file
    }
  }

  /// Opens the files of a checkpoint; nil if it has no training gradients.
  package init?(_ checkpoint: Checkpoint, adapter: Adapter) throws {
    guard let train = checkpoint.gradients.train else { return nil }
    let parameters = Self.parameters(of: adapter)
    self.parameters = parameters
    var scored = [try Self.open(train, .train, parameters)]
    if let anchor = checkpoint.gradients.anchor { scored.append(try Self.open(anchor, .anchor, parameters)) }
    self.scored = scored
    // In the order of their names, so that the same one of several faults is reported each time.
    validation = try Dictionary(
      uniqueKeysWithValues: checkpoint.gradients.validation.sorted { $0.key < $1.key }.map { domain, file in
        (domain, try Self.open(file, .train, parameters))
      })
  }

  /// The values of `loss` or `tokens`, one for each scored sample; nil if a file lacks them.
  package func column(_ name: String) throws -> [Double]? {
    var values: [Double] = []
    for rows in scored {
      guard let tensor = try rows.stream.tensor(name) else { return nil }
      guard tensor.shape == [rows.count] else {
        throw Failure(
          .badData, "has shape \(tensor.shape) instead of [\(rows.count)]", file: rows.file, tensor: name)
      }
      values +=
        tensor.dtype.isAdapterFloat ? try tensor.floats().map(Double.init) : try tensor.integers().map(Double.init)
    }
    return values
  }

  private static func open(
    _ file: BundleFile, _ split: PluginHost.Split, _ parameters: [(name: String, shape: [Int])]
  ) throws -> Rows {
    // A file in a folder is read piece by piece; one in an archive is mapped with it or already decoded.
    let stream =
      try file.isRead
      ? SafetensorsStream(file.bytes(), name: file.name, limits: file.limits)
      : SafetensorsStream(path: file.diskPath ?? file.name, limits: file.limits)
    let names = try names(in: stream, file.name)
    var count: Int?
    for (name, shape) in parameters {
      guard let found = names[name].flatMap(stream.shape) else {
        throw Failure(
          .badData, "is missing, but the adapter has it",
          advice: "gradient files need one tensor for each LoRA parameter, named as in \(PEFTFile.weights)",
          file: file.name, tensor: name)
      }
      guard Array(found.dropFirst()) == shape, let rows = found.first else {
        throw Failure(
          .badData, "has shape \(found) instead of [samples] + \(shape)", file: file.name, tensor: name)
      }
      guard count ?? rows == rows else {
        throw Failure(
          .badData, "has \(rows) samples, but the tensors before it have \(count ?? 0)", file: file.name, tensor: name)
      }
      count = rows
    }
    let known = Set(parameters.map(\.name))
    if let unknown = names.filter({ !known.contains($0.key) }).map(\.value).min() {
      throw Failure(
        .badData, "belongs to no LoRA parameter of the adapter", advice: "are these the gradients of another adapter?",
        file: file.name, tensor: unknown)
    }
    return Rows(split: split, stream: stream, names: names, count: count ?? 0, file: file.name)
  }

  /// The tensors of a gradient file by their parameters, named as in PEFT's files.
  private static func names(in stream: SafetensorsStream, _ file: String) throws -> [String: String] {
    var names: [String: String] = [:]
    for entry in stream.header.entries where !["loss", "tokens"].contains(entry.name) {
      if let other = names.updateValue(entry.name, forKey: tensorName(of: parameterName(of: entry.name))) {
        throw Failure(
          .badData, "is the same parameter as '\(other)'", advice: "keep one of them", file: file,
          tensor: entry.name)
      }
    }
    return names
  }

  private static func parameters(of adapter: Adapter) -> [(name: String, shape: [Int])] {
    adapter.modules.values.sorted { naturally($0.name, $1.name) }.flatMap { module in
      module.parameters.map { (tensorName(of: $0.name), $0.tensor.shape) }
    }
  }
}
