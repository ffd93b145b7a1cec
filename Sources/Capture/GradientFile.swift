import Adapters
import Bundles
import Diagnostics
import Engine
import Files
import Glibc
import Tensors

/// A file of the gradients of samples, written as they come: a tensor for each parameter, the sample as its first axis.
final class GradientFile: Sendable {
  private let path: String
  private let draft: Draft
  private let header: [UInt8]
  /// Where the tensor of a name begins.
  private let offsets: [String: Int]

  /// Opens a draft of the file with zeros for all samples.
  init(_ path: String, modules: [AdaptedModule], samples: Int) throws {
    let tensors =
      modules.flatMap { module in
        zip(module.parameters, [[module.rank, module.inputs], [module.outputs, module.rank]]).map { name, shape in
          SafetensorsLayout.Entry(name: tensorName(of: name), dtype: .f32, shape: [samples] + shape)
        }
      } + [
        SafetensorsLayout.Entry(name: "loss", dtype: .f32, shape: [samples]),
        SafetensorsLayout.Entry(name: "tokens", dtype: .i64, shape: [samples]),
      ]
    let layout = SafetensorsLayout(tensors)
    var offsets: [String: Int] = [:]
    var end = layout.header.count
    for entry in layout.entries {
      offsets[entry.name] = end
      end += entry.byteCount
    }
    self.path = path
    self.offsets = offsets
    header = layout.header
    draft = try Draft(of: path, isFolder: false)
    guard ftruncate(draft.descriptor, off_t(end)) == 0 else {
      let failure = Failure(system: .cannotWrite, "cannot be written", advice: "check the free space", file: path)
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

  /// Writes losses and lengths, and gives the file its name.
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
      throw Failure(system: .cannotWrite, "cannot be written", advice: "check the free space", file: path)
    }
  }
}
