/// One histogram per client over a common axis, with the anchors below each and the threshold across.
struct Strips {
  let title: String
  let description: String
  let axisTitle: String
  let samples: [ScoredSamples]
  /// The threshold of every client, in the order of `samples`; nil without a selection.
  let thresholds: [Double]?
  let histogram: Histogram

  init(
    title: String, description: String, axisTitle: String, samples: [ScoredSamples], thresholds: [Double]?
  ) {
    self.title = title
    self.description = description
    self.axisTitle = axisTitle
    self.samples = samples
    self.thresholds = thresholds
    let finite = Set(thresholds ?? []).filter(\.isFinite)
    histogram = Histogram(
      over: axisDomain(of: samples.flatMap { $0.training + $0.anchors }, musts: Array(finite)),
      edge: finite.count == 1 ? finite.first : nil)
  }

  /// The number of samples and anchors beyond the axis, which are drawn at its ends.
  var beyond: Int { samples.reduce(0) { $0 + ($1.training + $1.anchors).count { !histogram.domain.contains($0) } } }

  var markup: Markup {
    let names = NameColumn(samples.map(\.client))
    let scale = Scale(histogram.domain, start: names.width, length: pageWidth - names.width - 8)
    let (pitch, height) = samples.count <= 8 ? (84.0, 56.0) : samples.count <= 20 ? (46.0, 26.0) : (36.0, 16.0)
    let top = 56.0
    let bottom = top + pitch * Double(samples.count)
    let counts = samples.map { Counts($0, histogram) }
    let tallest = counts.map(\.largestShare).max() ?? 0
    return chart(title, description, width: pageWidth, height: bottom + 50) {
      legend.markup(x: names.width, y: 14)
      axis(scale, top: top, bottom: bottom, title: axisTitle)
      for (position, counts) in counts.enumerated() {
        let base = top + pitch * Double(position) + height + 6
        names.label(position, y: base)
        bars(counts, scale, base: base, height: tallest > 0 ? height / tallest : 0)
        line(from: (scale.start, base), to: (scale.start + scale.length, base), class: "zero")
        anchors(samples[position].anchors, scale, y: base + 9)
      }
      threshold(scale, top: top, pitch: pitch)
    }
  }

  private var legend: Legend {
    var entries: [(Legend.Mark, String)] = []
    if thresholds == nil {
      entries.append((.bar("kept"), "scored"))
    } else {
      entries += [(.bar("kept"), "kept"), (.bar("dropped"), "dropped")]
    }
    if samples.contains(where: { !$0.anchors.isEmpty }) { entries.append((.diamond, "anchor")) }
    if let thresholds, thresholds.contains(where: \.isFinite) { entries.append((.line, "threshold")) }
    return Legend(entries: entries)
  }

  /// The number of a client's samples in each interval.
  private struct Counts {
    let dropped: [Int]
    let filled: [Int]
    let total: Int

    init(_ samples: ScoredSamples, _ histogram: Histogram) {
      dropped = histogram.counts(of: samples.dropped)
      filled = histogram.counts(of: samples.kept + samples.undecided)
      total = samples.training.count
    }

    /// The share of the client's samples in its fullest interval.
    var largestShare: Double {
      total > 0 ? Double(zip(dropped, filled).map { $0 + $1 }.max() ?? 0) / Double(total) : 0
    }
  }

  /// The bars; `height` is that of all of a client's samples in one interval.
  private func bars(_ counts: Counts, _ scale: Scale, base: Double, height: Double) -> Markup {
    let unit = counts.total > 0 ? height / Double(counts.total) : 0
    var (dropped, filled) = ("", "")
    for (position, (low, high)) in zip(counts.dropped, counts.filled).enumerated() {
      let start = scale(histogram.start + histogram.width * Double(position)) + 0.75
      let width = scale(histogram.start + histogram.width * Double(position + 1)) - 0.75 - start
      let middle = base - Double(low) * unit
      if low > 0 {
        // The outline is inside the bar.
        dropped += "M\(px(start + 0.5)) \(px(base))V\(px(middle + 0.5))h\(px(width - 1))V\(px(base))"
      }
      if high > 0 { filled += "M\(px(start)) \(px(middle))v\(px(-Double(high) * unit))h\(px(width))V\(px(middle))z" }
    }
    return Markup([
      dropped.isEmpty ? .nothing : element("path", ["d": dropped, "class": "dropped"]),
      filled.isEmpty ? .nothing : element("path", ["d": filled, "class": "kept"]),
    ])
  }

  private func anchors(_ values: [Double], _ scale: Scale, y: Double) -> Markup {
    // Marks on the same spot would only make the page longer.
    let places = Set(values.map { (scale($0) * 2).rounded() / 2 }).sorted()
    guard !places.isEmpty else { return .nothing }
    return element(
      "path", ["d": places.map { diamond(x: $0, y: y, radius: 4.5) }.joined(), "class": "anchor"])
  }

  private func threshold(_ scale: Scale, top: Double, pitch: Double) -> Markup {
    guard let thresholds else { return .nothing }
    let common = Set(thresholds).count == 1
    return element("g") {
      if common, let threshold = thresholds.first, threshold.isFinite {
        line(
          from: (scale(threshold), top - 10), to: (scale(threshold), top + pitch * Double(samples.count)),
          class: "threshold")
        label(
          "threshold \(short(threshold))", x: scale(threshold), y: top - 15,
          scale(threshold) > pageWidth - 90 ? .end : .middle, class: "strong")
      } else {
        for (position, threshold) in thresholds.enumerated() where threshold.isFinite {
          line(
            from: (scale(threshold), top + pitch * Double(position) + 4),
            to: (scale(threshold), top + pitch * Double(position + 1) - 8), class: "threshold")
        }
      }
    }
  }
}
