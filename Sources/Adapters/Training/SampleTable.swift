import Diagnostics
import JSON
import Tensors

/// The samples of a client, in the order of the rows of its gradient files: `samples.jsonl`.
///
/// Members other than `id`, `split` and `domain` are ignored.
public struct SampleTable: Sendable {
  public let samples: [Sample]

  /// - throws: ``Failure`` `badData` with the line: no object, unknown split, an id twice in one split.
  public init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    var samples: [Sample] = []
    var lines: [Split: [String: Int]] = [:]
    try bytes.withUnsafeBytes { raw in
      try JSONReader(limits).readLines(raw) { value, line in
        guard let object = value.objectValue else {
          throw Failure(.badData, "holds \(value.kindName) instead of an object")
        }
        let sample = try Sample(object)
        if let first = lines[sample.split, default: [:]].updateValue(line, forKey: sample.id) {
          if let earlier = samples.first(where: { $0.split == sample.split && $0.id == sample.id }) {
            try sample.checkSpelling(of: earlier)
          }
          throw Failure(
            .badData, "has the \(sample.split.rawValue) sample '\(sample.id)' twice, first in line \(first)",
            advice: "give every sample of a split a unique id")
        }
        samples.append(sample)
      }
    }
    self.samples = samples
  }

  /// The samples of a split, and of a domain if one is given, in row order.
  public func samples(in split: Split, domain: String? = nil) -> [Sample] {
    samples.filter { $0.split == split && (domain == nil || $0.domain == domain) }
  }
}
