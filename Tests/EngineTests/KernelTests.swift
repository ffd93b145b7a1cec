import CKernels
import Glibc
import Testing

@testable import Engine

/// The loops in C against plain float64 computations.
@Suite struct KernelTests {
  /// Numbers that look random, the same every time.
  private static func numbers(_ count: Int, seed: Int, scale: Float = 1) -> [Float] {
    var state = UInt64(seed)
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return scale * (Float(state >> 40) / Float(1 << 23) - 1)
    }
  }

  /// Rows of features in panels.
  private static func panels(_ rows: [[Float]], tokens: Int) -> [Float] {
    var panels = [Float](repeating: 0, count: Panels.count(of: tokens) * rows.count * Panels.width)
    for (feature, row) in rows.enumerated() {
      for token in 0..<tokens {
        panels[token / 32 * rows.count * 32 + feature * 32 + token % 32] = row[token]
      }
    }
    return panels
  }

  private static func row(_ panels: [Float], _ feature: Int, of features: Int, tokens: Int) -> [Float] {
    (0..<tokens).map { panels[$0 / 32 * features * 32 + feature * 32 + $0 % 32] }
  }

  private static func matrix(_ rows: Int, _ columns: Int, seed: Int, scale: Float = 1) -> [[Float]] {
    (0..<rows).map { numbers(columns, seed: seed + 31 * $0, scale: scale) }
  }

  @Test func exponentialsAreExactToTwoUnits() {
    var x = Self.numbers(100_000, seed: 3, scale: 87)
    x += (0..<2000).map { Float($0 - 1000) * 1e-4 } + [0, -0.0, 88.72, -87.33, 1e-30, -1e-30]
    var y = [Float](repeating: 0, count: x.count)
    clues_exp(x, &y, x.count)
    let worst = zip(x, y).map { x, y in
      let exact = exp(Double(x))
      return abs(Double(y) - exact) / Double(Float(exact).ulp)
    }.max()
    #expect((worst ?? .infinity) < 2)
    let edges: [Float] = [-.infinity, -104, -87.4, 88.73, 1000, .infinity, .nan]
    clues_exp(edges, &y, edges.count)
    #expect(y.prefix(6).elementsEqual([0, 0, 0, .infinity, .infinity, .infinity]))
    #expect(y[6].isNaN)
  }

  @Test(arguments: [(1, 1, 1), (13, 7, 40), (12, 33, 64), (200, 700, 33), (61, 5, 100), (8, 321, 32), (576, 31, 65)])
  func productsAreThose(_ rows: Int, _ depth: Int, _ tokens: Int) {
    let w = Self.matrix(rows, depth, seed: 1)
    let flat = w.flatMap { $0 }
    let (x, z) = (Self.matrix(depth, tokens, seed: 2), Self.matrix(rows, tokens, seed: 3))
    let (px, pz) = (Self.panels(x, tokens: tokens), Self.panels(z, tokens: tokens))
    let panels = Panels.count(of: tokens)
    var y = [Float](repeating: .nan, count: panels * rows * 32)
    var back = [Float](repeating: .nan, count: panels * depth * 32)
    for adds in [0, 1] {
      clues_multiply(flat, depth, rows, depth, px, depth * 32, &y, rows * 32, panels, Int32(adds))
      clues_multiply_transposed(flat, depth, depth, rows, pz, rows * 32, &back, depth * 32, panels, Int32(adds))
      for (row, token) in [(0, 0), (rows - 1, tokens - 1), (rows / 2, tokens / 3), (rows / 3, tokens / 2)] {
        let terms = (0..<depth).map { Double(w[row][$0]) * Double(x[$0][token]) }
        let found = Double(Self.row(y, row, of: rows, tokens: tokens)[token])
        let size = terms.reduce(0) { $0 + abs($1) }
        #expect(abs(found - Double(adds + 1) * terms.reduce(0, +)) < 1e-6 * size)
      }
      for (column, token) in [(0, 0), (depth - 1, tokens - 1), (depth / 2, tokens / 3), (depth / 3, tokens / 2)] {
        let terms = (0..<rows).map { Double(w[$0][column]) * Double(z[$0][token]) }
        let found = Double(Self.row(back, column, of: depth, tokens: tokens)[token])
        let size = terms.reduce(0) { $0 + abs($1) }
        #expect(abs(found - Double(adds + 1) * terms.reduce(0, +)) < 1e-6 * size)
      }
    }
  }

  @Test(arguments: [(5, 0..<3), (13, 20..<90), (24, 31..<33), (1, 32..<64)])
  func sumsOverTokensAreThose(_ features: Int, _ range: Range<Int>) {
    let x = Self.matrix(features, 100, seed: 4)
    let z = Self.matrix(range.count, 16, seed: 5)
    var g = [Float](repeating: .nan, count: features * 16)
    clues_sum_over_tokens(
      Self.panels(x, tokens: 100), features * 32, features, range.lowerBound, range.upperBound, z.flatMap { $0 }, 16, &g
    )
    for feature in 0..<features {
      for column in 0..<16 {
        let sum = range.enumerated().reduce(0) { $0 + Double(x[feature][$1.element]) * Double(z[$1.offset][column]) }
        #expect(abs(Double(g[feature * 16 + column]) - sum) < 2e-6 * Double(range.count))
      }
    }
  }

  /// Samples anywhere among the tokens of a pack, longer than panels, windows shorter and longer than these.
  @Test(arguments: [
    (8, 2, 0..<75, 0), (5, 1, 3..<140, 0), (64, 3, 40..<41, 0), (16, 2, 17..<120, 7), (16, 1, 0..<130, 40),
    (12, 2, 5..<100, 64), (16, 3, 33..<65, 1), (10, 2, 0..<97, 1000),
  ]) func attentionIsThatOfFloat64(_ width: Int, _ heads: Int, _ range: Range<Int>, _ window: Int) {
    let all = range.upperBound + 20
    let tokens = range.count
    let (q, dout) = (Self.matrix(heads * width, all, seed: 6), Self.matrix(heads * width, all, seed: 7))
    let (k, v) = (Self.matrix(width, all, seed: 8), Self.matrix(width, all, seed: 9))
    let scale = 1 / Float(width).squareRoot()
    let stride = Panels.count(of: all) * 32
    var (out, dq) = (
      [Float](repeating: 0, count: stride * heads * width), [Float](repeating: 0, count: stride * heads * width)
    )
    var (dk, dv) = ([Float](repeating: 0, count: stride * width), [Float](repeating: 0, count: stride * width))
    var sums = [Float](repeating: 0, count: 2 * heads * stride)
    // Whatever was there before.
    var room = [Float](repeating: .nan, count: clues_room_for_attention(tokens, width))
    let (pq, pk, pv, pd) = (
      Self.panels(q, tokens: all), Self.panels(k, tokens: all), Self.panels(v, tokens: all),
      Self.panels(dout, tokens: all)
    )
    pq.withUnsafeBufferPointer { pq in
      pk.withUnsafeBufferPointer { pk in
        pv.withUnsafeBufferPointer { pv in
          var attention = clues_attention(
            head_width: width, heads: heads, first: range.lowerBound, end: range.upperBound, window: window,
            scale: scale,
            queries: pq.baseAddress!, query_stride: heads * width * 32, keys: pk.baseAddress!, values: pv.baseAddress!,
            key_stride: width * 32)
          clues_attend(&attention, &out, &sums, stride, &room)
          clues_attend_back(&attention, pd, sums, stride, &dq, &dk, &dv, &room)
        }
      }
    }
    var (expectedK, expectedV) = (
      Array(repeating: Array(repeating: 0.0, count: tokens), count: width),
      Array(repeating: Array(repeating: 0.0, count: tokens), count: width)
    )
    func close(_ found: [Float], _ feature: Int, of features: Int, _ expected: [Double], _ what: String) {
      let row = Self.row(found, feature, of: features, tokens: all)[range]
      let worst = zip(row, expected).map { abs(Double($0) - $1) }.max() ?? 0
      #expect(worst < 1e-5, "\(what) \(feature)")
      let outside = Self.row(found, feature, of: features, tokens: all).enumerated().filter {
        !range.contains($0.offset)
      }
      #expect(outside.allSatisfy { $0.element == 0 }, "\(what) beyond the sample")
    }
    for head in 0..<heads {
      var (expectedOut, expectedQ) = (expectedK.map { $0.map { _ in 0.0 } }, expectedK.map { $0.map { _ in 0.0 } })
      for i in 0..<tokens {
        let seen = (window > 0 ? max(0, i - window + 1) : 0)...i
        let at = range.lowerBound
        func product(_ a: [[Float]], _ row: Int, _ b: [[Float]], _ j: Int) -> Double {
          (0..<width).reduce(0) { $0 + Double(a[row + $1][at + i]) * Double(b[$1][at + j]) }
        }
        let logits = seen.map { Double(scale) * product(q, head * width, k, $0) }
        let most = logits.max() ?? 0
        let weights = logits.map { exp($0 - most) }
        let total = weights.reduce(0, +)
        let dp = seen.map { product(dout, head * width, v, $0) }
        let mean = zip(weights, dp).reduce(0) { $0 + $1.0 * $1.1 } / total
        for (place, j) in seen.enumerated() {
          let p = weights[place] / total
          let ds = p * (dp[place] - mean) * Double(scale)
          for d in 0..<width {
            expectedOut[d][i] += p * Double(v[d][at + j])
            expectedQ[d][i] += ds * Double(k[d][at + j])
            expectedK[d][j] += ds * Double(q[head * width + d][at + i])
            expectedV[d][j] += p * Double(dout[head * width + d][at + i])
          }
        }
      }
      for d in 0..<width {
        close(out, head * width + d, of: heads * width, expectedOut[d], "output")
        close(dq, head * width + d, of: heads * width, expectedQ[d], "queries")
      }
    }
    for d in 0..<width {
      close(dk, d, of: width, expectedK[d], "keys")
      close(dv, d, of: width, expectedV[d], "values")
    }
  }
}
