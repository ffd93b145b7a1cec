import Adapters
import Bundles
import Diagnostics
import Engine
import Files
import Glibc
import Tensors

/// A file of samples' gradients, written as they arrive: a tensor for each parameter, with the sample as its first axis.
final class GradientFile: Sendable {
  private let path: String
  private let draft: Draft
  private let header: [UInt8]
  /// The offset of a tensor by name.
  private let offsets: [String: Int]

  /// Opens a draft of the file with zeros for all samples.
  init(_ path: String, modules: [AdaptedModule], samples: Int) throws {
    var entries = [
      WeightsLayout.Entry(name: "loss", dtype: .f32, shape: [samples]),
      WeightsLayout.Entry(name: "tokens", dtype: .i64, shape: [samples]),
    ]
    for module in modules {
      for (name, shape) in zip(module.parameters, [[module.rank, module.inputs], [module.outputs, module.rank]]) {
        entries.append(WeightsLayout.Entry(name: tensorName(of: name), dtype: .f32, shape: [samples] + shape))
      }
    }
    let layout = WeightsLayout(safetensors: entries)
    self.path = path
    offsets = Dictionary(uniqueKeysWithValues: zip(layout.entries.map(\.name), layout.offsets))
    header = layout.header
    draft = try Draft(of: path, isFolder: false)
    guard ftruncate(draft.descriptor, off_t(layout.size)) == 0 else {
      let failure = Failure.cannotWrite(path)
      unlink(draft.path)
      throw failure
    }
    try header.withUnsafeBytes { try write($0, at: 0) }
  }

  /// Writes a module's gradient of one sample; from any thread.
  func write(_ gradient: ModuleGradient, sample: Int) throws {
    for (parameter, values) in zip(gradient.module.parameters, [gradient.a, gradient.b]) {
      guard let offset = offsets[tensorName(of: parameter)] else {
        preconditionFailure("no such parameter: \(parameter)")
      }
      try write(UnsafeRawBufferPointer(values), at: offset + sample * values.count * MemoryLayout<Float>.size)
    }
  }

  /// Writes losses and lengths, and gives the file its final name.
  func finish(losses: [Float], tokens: [Int]) throws {
    do {
      try losses.withUnsafeBytes { try write($0, at: offsets["loss"] ?? 0) }
      try tokens.map { Int64($0).littleEndian }.withUnsafeBytes { try write($0, at: offsets["tokens"] ?? 0) }
      try draft.settle(as: path)
      try draft.replace(path)
    } catch {
      abandon()
      throw error
    }
  }

  func abandon() { unlink(draft.path) }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    guard writeAll(bytes, to: draft.descriptor, at: offset) else {
      throw Failure.cannotWrite(path)
    }
  }
}
