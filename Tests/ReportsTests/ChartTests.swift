import Foundation
import JSON
import Records
import Testing

@testable import Reports

@Suite struct ChartTests {
  @Test func `a histogram counts every value once and parts kept from dropped`() {
    let values = (0..<500).map { sin(Double($0)) * 3 }
    let domain = axisDomain(of: values, musts: [0.7])
    let histogram = Histogram(over: domain, edge: 0.7)
    #expect(histogram.domain.lowerBound <= domain.lowerBound && histogram.domain.upperBound >= domain.upperBound)
    #expect(histogram.counts(of: values).reduce(0, +) == 500)
    let (kept, dropped) = (values.filter { $0 >= 0.7 }, values.filter { $0 < 0.7 })
    let mixed = zip(histogram.counts(of: kept), histogram.counts(of: dropped)).count { $0 > 0 && $1 > 0 }
    #expect(mixed == 0)
  }

  @Test func `a far straggler does not crowd the axis, but a threshold is always on it`() {
    let values = (0..<999).map { Double($0) / 999 } + [1e6]
    #expect(axisDomain(of: values, musts: []).upperBound < 2)
    #expect(axisDomain(of: values, musts: [50]).contains(50))
    #expect(axisDomain(of: [1, 2, 3], musts: []) == 1...3)
    #expect(axisDomain(of: [], musts: []).contains(0))
  }

  @Test func `ticks are round and within`() {
    let (ticks, step) = Scale(-21.3...5.4, start: 0, length: 100).ticks
    #expect(step == 5 && ticks == [-20, -15, -10, -5, 0, 5])
    for width in [1e-9, 0.3, 7, 1e12] {
      let ticks = Scale(0.1 * width...1.1 * width, start: 0, length: 1).ticks.values
      #expect((4...10).contains(ticks.count))
    }
  }

  @Test func `numbers line up and keep their sign`() {
    let style = NumberStyle([-1.5498584380599185, 0.8113])
    #expect([-1.5498584380599185, 0.8113, -0.0001, 0].map(style.text) == ["−1.550", "0.811", "0.000", "0.000"])
    #expect(NumberStyle([23094.16]).text(23094.16) == "23\u{202F}094")
    #expect(NumberStyle([6.7e-7]).text(-6.7e-7) == "−6.7×10⁻⁷")
    #expect(NumberStyle(shares: [0.4958]).text(0.4958) == "49.6\u{202F}%")
    #expect(short(.infinity) == "∞" && short(-1.55) == "−1.55" && short(300) == "300" && short(0) == "0")
    #expect(NumberStyle(axisTo: 20, step: 5).text(-15) == "−15")
    #expect(NumberStyle(axisTo: 1, step: 0.2).text(0.6) == "0.6")
    #expect(whole(24000) == "24\u{202F}000" && counted(1, "client") == "1 client")
  }

  @Test func `modules are laid out by layer and kind`() throws {
    func grid(_ names: [String]) -> ModuleGrid {
      ModuleGrid(
        names.map { name in
          var module = RunRecord.Module()
          module.name = name
          return module
        })
    }
    let plain = grid(["m.layers.10.self_attn.q_proj", "m.layers.2.self_attn.q_proj", "m.layers.2.mlp.up", "lm_head"])
    #expect(plain.layers == [2, 10, nil])
    #expect(plain.kinds == ["q_proj", "up", "lm_head"])
    #expect(plain.modules.map(\.name).first == "m.layers.2.self_attn.q_proj")
    #expect(plain.modules.count == 4)
    let experts = grid((0..<8).map { "m.layers.3.mlp.experts.\($0).w1" })
    #expect(experts.kinds == ["w1"] && experts.cells[0][0].count == 8)
    let both = grid(["encoder.block.0.attn.q", "decoder.block.0.attn.q"])
    #expect(both.kinds == ["encoder.block.*.attn.q", "decoder.block.*.attn.q"])
    #expect(grid(["99999999999999999999.q", ".", ""]).modules.count == 3)
  }

  @Test func `calibrated scores are those that the threshold was held against`() throws {
    let rows = [("train", 16.0, true), ("anchor", 10, nil), ("anchor", 14, nil), ("validation", 1, nil)].map {
      split, score, isKept in
      var row = ScoreRecord()
      (row.client, row.split, row.score, row.isKept) = ("c", split, score, isKept)
      return row
    }
    let samples = try #require(ScoredSamples.all(in: rows, calibrating: true).first)
    // Mean 12, deviation √8 with n − 1.
    #expect(abs(samples.kept[0] - 4 / 8.0.squareRoot()) < 1e-15)
    #expect(samples.training.count == 1 && samples.anchors.count == 2)
    #expect(ScoredSamples.all(in: rows, calibrating: false)[0].kept == [16])
  }

  @Test(arguments: [Palette.light, Palette.dark]) func `numbers read well on every colour`(_ rules: String) throws {
    func luminance(_ hex: Substring) throws -> Double {
      let digits = hex.count == 3 ? hex.flatMap { [$0, $0] } : Array(hex)
      let parts = try (0..<3).map { place -> Double in
        let value = Double(try #require(Int(String(digits[place * 2...place * 2 + 1]), radix: 16))) / 255
        return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
    let levels = rules.matches(of: /rect\{fill:#([0-9a-f]+)\}.* text\{fill:#([0-9a-f]+)\}/)
    #expect(levels.count == 2 * (Palette.levels + 1))
    for level in levels {
      let (ground, ink) = (try luminance(level.1), try luminance(level.2))
      #expect((max(ground, ink) + 0.05) / (min(ground, ink) + 0.05) >= 4.5, "\(level.0)")
    }
  }
}
