import CKernels
import PluginKit

/// Finds where the first k entries of a matrix by falling magnitude end, equal ones by index.
///
/// A sample of the rows gives a range of magnitudes that almost certainly contains the k-th; one pass over all rows counts
/// what lies above it and extracts what lies within. A guess that misses, or leaves too much, costs another pass and changes
/// nothing.
struct MagnitudeSearch {
  private let rows: MatrixRows
  /// The rows examined together: as many as a cache holds.
  private let height: Int

  init(_ rows: MatrixRows) {
    self.rows = rows
    height = max(1, (1 << 17) / max(1, rows.columns))
  }

  /// The cuts of the first entries for each of some counts.
  func cuts(first counts: [Int]) throws -> [clues_cut] {
    let wanted = Set(counts).filter { $0 > 0 && $0 < rows.count }
    let runs = try guesses(for: wanted)
    var catches = runs.mapValues { Catch(run: $0, expecting: Int($0.share * Double(rows.count))) }
    try rows.forEach(height) { lines, elements in
      for count in wanted { catches[count]?.add(elements, firstRow: lines.lowerBound) }
    }
    var cuts: [Int: clues_cut] = [:]
    for (count, found) in catches {
      cuts[count] = try found.edge(UInt64(count)).map { try cut(at: $0, in: found) } ?? narrowedCut(UInt64(count))
    }
    return counts.map { $0 <= 0 ? .none : cuts[$0] ?? .all }
  }

  // MARK: The guess

  /// The number of entries that a guess may leave; a smaller matrix is left whole.
  private static let mostLeft = 1 << 20

  /// Ranges that almost certainly contain the k-th largest magnitude.
  private func guesses(for counts: Set<Int>) throws -> [Int: Run] {
    guard rows.count > Self.mostLeft else { return Dictionary(uniqueKeysWithValues: counts.map { ($0, .all) }) }
    // Groups of rows, because they are formed faster together; from all over the matrix, because rows differ.
    let (groups, size) = (min(64, max(1, rows.rows / 8)), min(8, rows.rows))
    // Odd, so that every column is sampled.
    let step = (groups * size * rows.columns) >> 16 | 1
    var sample: [[UInt32]] = []
    for group in 0..<groups {
      let first = group * (rows.rows - size) / max(1, groups - 1)
      var some: [UInt32] = []
      try rows.forEach(size, in: first..<first + size) { _, elements in
        for place in stride(from: 0, to: elements.count, by: step) {
          some.append(elements[place].bitPattern & .magnitudes)
        }
      }
      sample.append(some)
    }
    return Dictionary(
      uniqueKeysWithValues: counts.map { ($0, Run(share: Double($0) / Double(rows.count), of: sample)) })
  }

  /// A range of magnitudes.
  private struct Run {
    var low: UInt32
    var width: UInt32
    /// The share of all entries that will lie in it.
    private(set) var share = 1.0
    static let all = Run(low: 0, width: 1 << 31)

    init(low: UInt32, width: UInt32) { (self.low, self.width) = (low, width) }

    /// A range that almost certainly contains the magnitude above which this share of all entries lies.
    init(share: Double, of sample: [[UInt32]]) {
      let all = sample.flatMap { $0 }
      let count = Double(all.count)
      func magnitude(_ place: Double) -> UInt32 {
        clues_find_edge(all, all.count, UInt64(min(max(place, 1), count)), Self.all.width).magnitude
      }
      // Groups of rows differ by more than chance, so the spread between them gives the error of their mean.
      let middle = magnitude(share * count)
      let shares = sample.map { group in Double(group.count { $0 >= middle }) / Double(group.count) }
      let mean = shares.reduce(0, +) / Double(shares.count)
      let spread = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(shares.count * max(1, shares.count - 1))
      let error = 4 * max(spread, share * (1 - share) / count).squareRoot() + 2 / count
      self.share = 2 * error
      low = (share + error) * count <= count ? magnitude((share + error) * count) : 0
      width = (share - error) * count >= 1 ? magnitude((share - error) * count) - low + 1 : Self.all.width - low
    }
  }

  /// What a pass finds in a range.
  private struct Catch {
    let run: Run
    private var above: UInt64 = 0
    /// The entries in the range, by position in it; nil once there are too many.
    private var found: [UInt32]? = []
    /// Where the entries of each piece begin, and the piece.
    private var pieces: [(start: Int, firstRow: Int)] = []

    /// - parameter count: The expected number of entries.
    init(run: Run, expecting count: Int) {
      self.run = run
      // Room for a quarter more, so that it does not have to grow.
      found?.reserveCapacity(min(count / 4 * 5, MagnitudeSearch.mostLeft))
    }

    mutating func add(_ elements: UnsafeBufferPointer<Float>, firstRow: Int) {
      guard let before = found?.count, let start = elements.baseAddress else { return }
      pieces.append((before, firstRow))
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: elements.count + 16) { room in
        guard let target = room.baseAddress else { return }
        let hits = clues_gather_magnitudes(start, elements.count, run.low, run.width, &above, target)
        found?.append(contentsOf: room[..<hits])
      }
      if before > MagnitudeSearch.mostLeft { found = nil }
    }

    /// The k-th largest; nil if it is not known to be in the range.
    func edge(_ k: UInt64) -> clues_edge? {
      guard let found, above < k, above + UInt64(found.count) >= k else { return nil }
      var edge = clues_find_edge(found, found.count, k - above, run.width)
      edge.magnitude += run.low
      return edge
    }

    /// The piece in which the boundary lies, and how many entries of the boundary magnitude it keeps.
    func place(of edge: clues_edge) -> (firstRow: Int, wanted: UInt64)? {
      var wanted = edge.wanted
      for (place, value) in (found ?? []).enumerated() where value == edge.magnitude - run.low {
        wanted -= 1
        guard wanted == 0, let piece = pieces.last(where: { $0.start <= place }) else { continue }
        let before = found?[piece.start..<place].count { $0 == value } ?? 0
        return (piece.firstRow, UInt64(before + 1))
      }
      return nil
    }
  }

  private func cut(at edge: clues_edge, in found: Catch) throws -> clues_cut {
    guard edge.wanted < edge.present, let place = found.place(of: edge) else {
      return clues_cut(edge: edge.magnitude, end: .max)
    }
    let lines = place.firstRow..<min(place.firstRow + height, rows.rows)
    return try cut(at: edge.magnitude, wanted: place.wanted, in: lines)
  }

  /// The cut after a number of entries of one magnitude, which are in these rows.
  private func cut(at magnitude: UInt32, wanted: UInt64, in lines: Range<Int>) throws -> clues_cut {
    var (wanted, cut) = (wanted, clues_cut(edge: magnitude, end: .max))
    try rows.forEach(height, in: lines) { some, elements in
      guard wanted > 0 else { return }
      for place in elements.indices where elements[place].bitPattern & .magnitudes == magnitude {
        wanted -= 1
        guard wanted == 0 else { continue }
        cut.end = UInt64(some.lowerBound * rows.columns + place + 1)
        break
      }
    }
    return cut
  }

  // MARK: Without a guess

  /// The cut of the first k entries, by passes that each narrow a range to one in two thousand.
  private func narrowedCut(_ k: UInt64) throws -> clues_cut {
    var run = Run.all
    while true {
      let shift = UInt32(max(0, 21 - (run.width - 1).leadingZeroBitCount))
      var bins = [UInt64](repeating: 0, count: 2049)
      var above: UInt64 = 0
      try rows.forEach(height) { _, elements in
        guard let start = elements.baseAddress else { return }
        above += clues_count_run(start, elements.count, run.low, run.width, shift, &bins)
      }
      guard
        let place = bins.indices.last(where: { place in
          above += bins[place]
          return above >= k
        })
      else { return .all }
      let wanted = k - (above - bins[place])
      guard run.width > 1 else {
        let edge = clues_cut(edge: run.low, end: .max)
        return wanted == bins[place] ? edge : try cut(at: run.low, wanted: wanted, in: 0..<rows.rows)
      }
      let offset = UInt32(place) << shift
      run = Run(low: run.low + offset, width: min(run.width - offset, 1 << shift))
    }
  }
}

extension UInt32 {
  /// The bits of a float without its sign.
  fileprivate static let magnitudes: UInt32 = 0x7FFF_FFFF
}
