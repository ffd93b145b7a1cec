import Diagnostics
import Files

/// The ids of samples to be kept, one per line, as `clues select` writes them.
struct KeptIds {
  private let file: String
  /// The line of each.
  private let lines: [String: Int]

  /// - throws: ``Failure``: `missingInput`, or `badData` for a duplicate id, with its line, or for no ids.
  init(_ path: String) throws {
    file = path
    let bytes = try StreamReader(path).bytes(limit: Self.most)
    guard bytes.count <= Self.most else {
      throw Failure(.badData, "is too large for a list of ids", advice: "write one id a line", file: path)
    }
    var lines: [String: Int] = [:]
    // By bytes, because to a Swift String the two that end a line on Windows are one character.
    for (place, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      let id = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
      if id.isEmpty { continue }
      if let first = lines.updateValue(place + 1, forKey: id) {
        throw Failure(
          .badData, "has the id '\(id)' of line \(first)", advice: "write every id once", file: path,
          position: .init(line: place + 1, column: 1))
      }
    }
    guard !lines.isEmpty else {
      throw Failure(
        .badData, "holds no ids", advice: "write the ids of the samples to keep, one a line, as clues select does",
        file: path)
    }
    self.lines = lines
  }

  /// 256 MiB, enough for millions of ids.
  private static let most = 1 << 28

  /// The named samples, in their own order.
  ///
  /// - throws: ``Failure`` `badData` for an id that no sample has.
  func kept(of samples: [CapturedSample]) throws -> [CapturedSample] {
    let kept = samples.filter { lines[$0.sample.id] != nil }
    guard kept.count < lines.count else { return kept }
    let ids = Set(kept.map(\.sample.id))
    let strangers = lines.filter { !ids.contains($0.key) }
    guard let stranger = strangers.min(by: { $0.value < $1.value }) else { return kept }
    throw Failure(
      .badData,
      "has the id '\(stranger.key)', which no training sample has"
        + (strangers.count > 1 ? ", and \(strangers.count - 1) more such" : ""),
      advice: "name the file of samples that the selection was made of", file: file,
      position: .init(line: stranger.value, column: 1))
  }
}
