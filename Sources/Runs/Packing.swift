import Adapters
import Bundles
import Diagnostics
import JSON
import LowRank
import Recipes
import Tensors

/// Packs what a client hands in: only known files, with adapters converted to another type if wanted.
///
/// Gradients and optimizer states are left out unless requested: they reveal the most about the data.
package struct Packing {
  package var source: String
  package var output: String
  /// The name of the adapter to pack if the source has several.
  package var adapter: String?
  /// Parts to leave out that are packed by default.
  package var leavingOut: Set<Part> = []
  /// Parts to pack that are left out by default.
  package var including: Set<Part> = []
  package var client: String?
  package var domain: String?
  package var dtype: DType?
  package var replaces = false
  package var limits = Limits()

  package init(source: String, output: String) {
    self.source = source
    self.output = output
  }

  /// The parts that are left out unless requested.
  package static let privateParts: [Part] = [.gradients, .optimizers]

  /// The parts that a client may leave out, by their names: `ledger,samples`.
  package static func parts(without names: String) throws -> Set<Part> {
    try Set(
      names.split(separator: ",").map { name in
        try part(named: String(name), among: BundleWriter.optionalParts, option: "--without")
      })
  }

  /// The parts that a client may pack explicitly, by their names: `gradients,optimizer`.
  package static func parts(with names: String) throws -> Set<Part> {
    try Set(
      names.split(separator: ",").map { name in
        if let part = Part(rawValue: String(name)), !privateParts.contains(part) {
          throw Failure(
            .usage, "--with: '\(name)' is packed anyway",
            advice: "only \(privateParts.map(\.rawValue).joined(separator: " and ")) are left out by default")
        }
        return try part(named: String(name), among: privateParts, option: "--with")
      })
  }

  private static func part(named name: String, among parts: [Part], option: String) throws -> Part {
    guard let part = parts.first(where: { $0.rawValue == name }) else {
      throw Failure(
        .usage, "\(option): there is no part '\(name)'",
        advice: suggestion(for: name, among: parts.map(\.rawValue)))
    }
    return part
  }

  /// A type in which adapters can be stored, by its name.
  package static func dtype(named name: String) throws -> DType {
    // By the names in recipes; other spellings are mapped to these.
    let names = ["float32", "float16", "bfloat16", "float64"]
    guard names.contains(name), let dtype = DType(name: name) else {
      throw Failure(
        .usage, "--dtype: adapters cannot be stored as '\(name)'",
        advice: Recipe.Precision(nameElsewhere: name).map { "did you mean '\($0.rawValue)'?" }
          ?? suggestion(for: name, among: names))
    }
    return dtype
  }

  package func run(_ observer: any Observer = Unobserved()) throws -> PackingList {
    if let part = leavingOut.intersection(including).min(by: { $0.rawValue < $1.rawValue }) {
      throw Failure(
        .usage, "'\(part.rawValue)' is asked for with --with and left out with --without", advice: "drop one of the two"
      )
    }
    let stage = PackingProgress(observer)
    var writer = BundleWriter()
    writer.progress = { try stage.reach($0, of: $1) }
    writer.leavingOut = leavingOut.union(Set(Self.privateParts).subtracting(including))
    writer.client = client
    writer.domain = domain
    writer.replaces = replaces
    writer.interruption = { try Interruption.check() }
    if let dtype {
      writer.transform = { [limits] path, bytes in
        guard path.hasSuffix(PEFTFile.weights) else { return bytes }
        let (content, kept) = try converted(bytes, to: dtype, limits)
        if !kept.isEmpty { observer.note(keeping(kept, in: path, dtype)) }
        return content
      }
    }
    let list = try writer.pack(source, to: output, adapter: adapter, limits: limits)
    stage.end()
    for note in list.notes { observer.note(.warning(note)) }
    if let note = list.evidenceNote { observer.note(note) }
    return list
  }
}

/// A safetensors file with its floats in another type, except those that this would change by more than rounding does: they
/// stay as they are, and their names are returned.
///
/// The factors of a module are treated together, because only their product counts. They are not rebalanced as in a merge:
/// gradients and moments of the bundle, and the space `factors`, belong to A and B as the client trained them.
///
/// - throws: ``Failure`` `badData` if a number is too large for the type.
private func converted(_ bytes: Bytes, to dtype: DType, _ limits: Limits) throws -> (Bytes, kept: [String]) {
  let file = try SafetensorsFile(bytes, limits: limits)
  let convertible = file.tensors.filter { $0.value.dtype.isAdapterFloat && $0.value.dtype != dtype }
  var tensors = file.tensors
  for (name, tensor) in convertible {
    let result = Tensor(try tensor.floats(), shape: tensor.shape, dtype: dtype)
    guard try result.isFinite() || !tensor.isFinite() else {
      throw Failure(
        .badData, "holds numbers too large for \(dtype.torchName)",
        advice: "omit --dtype" + (dtype == .f16 ? ", or use bfloat16" : ""), tensor: name)
    }
    tensors[name] = result
  }
  let kept = try convertible.keys.filter { try !isFaithful($0, file.tensors, to: dtype) }
  for name in kept { tensors[name] = file.tensors[name] }
  return (Bytes(safetensors(tensors, metadata: file.metadata)), kept.sorted())
}

/// Whether a tensor, or the product of which it is a factor, survives conversion.
private func isFaithful(_ name: String, _ tensors: [String: Tensor], to dtype: DType) throws -> Bool {
  guard let tensor = tensors[name], try tensor.isFinite() else { return true }
  guard tensor.narrowingError() <= faithfulNarrowing else { return false }
  guard let tolerance = dtype.faithfulError else { return true }
  for (a, b) in [("lora_A", "lora_B"), ("lora_embedding_A", "lora_embedding_B")] {
    guard let left = tensors[name.replacing(a, with: b)], let right = tensors[name.replacing(b, with: a)],
      let factors = try Factors(ofTensors: left, right)
    else { continue }
    return try factors.rounded(to: dtype, balancing: false).isFaithful
  }
  return try roundingError(of: tensor.floats(), in: dtype) <= tolerance
}

extension Factors {
  /// B and A as they are in a file; nil if they cannot be multiplied.
  fileprivate init?(ofTensors b: Tensor, _ a: Tensor) throws {
    guard a.dtype.isAdapterFloat, b.dtype.isAdapterFloat, let rank = a.shape.first, rank > 0, b.shape.count > 1,
      b.shape[1] == rank, b.shape.dropFirst(2).allSatisfy({ $0 == 1 }), try a.isFinite(), try b.isFinite()
    else { return nil }
    try self.init(
      b: Matrix(rows: b.shape[0], columns: rank, b.floats()), a: Matrix(rows: rank, columns: a.count / rank, a.floats())
    )
  }
}

/// A note on the tensors of a file that keep their type.
private func keeping(_ names: [String], in file: String, _ dtype: DType) -> Note {
  .warning(
    "\(file): \(dtype.torchName) would change more than rounding does, so \(names.count) "
      + (names.count == 1 ? "tensor keeps its type: " : "tensors keep their type: ") + "'\(names[0])'"
      + (names.count == 1 ? "" : " and others"))
}

extension PackingList {
  /// What the bundle discloses, kind by kind, in the order of the archive.
  package var kinds: [(name: String, files: Int, bytes: Int)] {
    packed.reduce(into: []) { kinds, file in
      let index = kinds.firstIndex { $0.name == file.kind } ?? kinds.count
      if index == kinds.count { kinds.append((file.kind, 0, 0)) }
      kinds[index].files += 1
      kinds[index].bytes += file.bytes
    }
  }

  /// What the evidence that is left out means for scoring.
  var evidenceNote: Note? {
    let kept = Packing.privateParts.filter { part in leftOut.contains { $0.reason == .part(part) } }
    guard !kept.isEmpty, !packed.contains(where: { $0.part == .ledger || $0.part == .gradients }) else { return nil }
    return .info(
      "the bundle cannot be scored: \(kept.map(\.rawValue).joined(separator: " and ")) stay here and it has "
        + "no ledger; hand in the scores that `clues score` makes here, or pack --with gradients,optimizer")
  }

  package var json: JSONValue {
    .object([
      "schema": "clues/packing/1", "bytes": JSONValue(archiveBytes),
      "kinds": .array(
        kinds.map { ["kind": .string($0.name), "files": JSONValue($0.files), "bytes": JSONValue($0.bytes)] }),
      "packed": .array(
        packed.map { ["path": .string($0.path), "bytes": JSONValue($0.bytes), "kind": .string($0.kind)] }),
      "left_out": .array(
        leftOut.map { ["path": .string($0.path), "bytes": JSONValue($0.bytes), "reason": .string($0.reason.text)] }),
    ])
  }
}

extension PackingList.Packed {
  /// A description for the list.
  fileprivate var kind: String {
    switch part {
    case nil: "manifest"
    case .adapter: "adapter"
    case .adapters: "adapters of checkpoints"
    case let part?: part.rawValue
    }
  }
}

extension PackingList.Reason {
  package var text: String {
    switch self {
    case .part(let part) where Packing.privateParts.contains(part): "stays here unless --with \(part.rawValue)"
    case .part(let part): "left out as '\(part.rawValue)'"
    case .unknown: "not part of a bundle"
    }
  }
}
