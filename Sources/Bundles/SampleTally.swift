import Diagnostics
import JSON
import Tensors

/// A summary of `samples.jsonl`.
struct SampleTally: Equatable {
  /// The number of samples in each split.
  private(set) var counts: [String: Int] = [:]

  /// The domains of the training samples.
  private(set) var trainingDomains: Set<String> = []

  /// - throws: ``Failure`` `badData` with the line.
  init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    try bytes.withUnsafeBytes {
      try JSONReader(limits).readLines($0) { value, line in
        guard let object = value.objectValue, let split = object["split"]?.stringValue else {
          throw Failure(
            .badData, "this line has no \"split\"",
            advice: "each line is an object such as {\"id\": \"a\", \"split\": \"train\", \"domain\": \"medical\"}",
            position: .init(line: line, column: 1))
        }
        counts[split, default: 0] += 1
        if split == "train", let domain = object["domain"]?.stringValue { trainingDomains.insert(domain) }
      }
    }
  }
}
