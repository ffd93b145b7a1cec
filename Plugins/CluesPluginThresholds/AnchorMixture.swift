import PluginKit

/// The threshold with the highest F1, as estimated from anchors and unlabelled scores.
struct AnchorMixture: ThresholdRule {
  static let id = "anchor-mixture"
  static let summary = "Estimates the share of good samples and keeps those that give the best estimated F1."
  static let details = """
    The training samples are a mixture of good ones, whose scores are distributed like the anchors', and of bad ones. \
    With z = (score − mean) / σ of all clients' anchors, the probability that a sample is good rises with its score:

        P(z)  = 1 / (1 + exp(−b·(asinh z − asinh c)))
        share = mean of P over the training samples
        log L = Σ over anchors of log (P(z) / share)
                + λ · log-likelihood of all scores under two normals
                − (c + k)²/2 − (ln(b/2)/0.6)²/2

    P/share is the density of good samples relative to that of all. The two normals have the moments of the training \
    samples weighted by P (together with the anchors) and by 1 − P, each with three pseudo-samples (mean 0 and \
    variance 1, mean −3 and variance 4). They can detect a gap in the scores that thirty anchors cannot; λ = min(1, \
    shape · anchors / samples) keeps them from outvoting the anchors. Cut c and slope b are not chosen: P is averaged \
    over a grid of them, weighted by L, and the threshold is the training sample's score for which

        F1 = 2 · (sum of P over kept samples) / (kept samples + sum of P over all)

    is the highest. The standard error of the share is its spread over the same grid. It covers what the number of \
    anchors leaves open, not errors of the model: bad samples that score like the anchors count as good, so the share is \
    too high if scores separate badly, and clean data is estimated to be about 85 to 95 percent good.

    It makes one assumption: the anchors are a random sample of good data, scored in the same way. If there are fewer than \
    minimum_anchors, or they all have the same score, are not distributed like any part of the samples, or leave the share \
    open, the threshold is that of anchor-sigma with this k, and a warning says so.
    """
  static let reference =
    "Bekker and Davis 2020, Learning from Positive and Unlabeled Data: A Survey (the assumption); Anderson 1979, "
    + "Multivariate Logistic Compounds (the density ratio); Lipton, Elkan and Naryanaswamy 2014, Optimal Thresholding "
    + "of Classifiers to Maximize F1 Measure"

  @Parameter(
    "Where the search for the cut starts, in deviations below the mean; also anchor-sigma's k in the fallback.")
  var k = 1.5
  @Parameter("The minimum number of anchors, and of training samples, for an estimate.", in: 2...1_000_000)
  var minimumAnchors = 10
  @Parameter("The largest acceptable standard error of the share of good samples.", in: 0...1)
  var maximumError = 0.2
  @Parameter(
    "How many training samples the shape of the scores counts for, per anchor; 0 ignores it.", in: 0...1e6)
  var shape = 2.0

  func thresholds(_ clients: [ClientScores]) throws -> [Double] {
    let anchors = try AnchorScores(clients, atLeast: 2, for: Self.id).values.sorted()
    let train = clients.flatMap(\.train).sorted()
    let scale = AnchorScale(sorted: anchors)
    let threshold: Double
    switch try estimate(anchors, train, scale, clients[0].host) {
    case .found(let index, let text):
      threshold = train[index]
      clients[0].host.log(text)
    case .impossible(let reason):
      threshold = scale.score(-k)
      clients[0].host.log(
        "\(reason), so the share of good samples is not estimated, and the threshold is that of anchor-sigma with "
          + "k = \(k)", level: .warning)
    }
    return clients.map { _ in threshold }
  }

  private enum Estimate {
    /// The index of the lowest training score to keep, and a remark.
    case found(Int, String)
    case impossible(String)
  }

  private func estimate(
    _ anchors: [Double], _ train: [Double], _ scale: AnchorScale, _ host: Host
  ) throws -> Estimate {
    guard anchors.count >= minimumAnchors else {
      return .impossible("there are \(anchors.count) anchors, fewer than \(minimumAnchors)")
    }
    guard train.count >= minimumAnchors else {
      return .impossible(
        "there are \(train.isEmpty ? "no" : "only \(train.count)") scored training samples"
          + (train.isEmpty ? "" : ", fewer than \(minimumAnchors)"))
    }
    guard scale.deviation > 0 else { return .impossible("all anchors have the same score") }
    let mixture = try ScoreMixture(anchors.map(scale.z), train.map(scale.z), k: k, shape: shape, host)
    let (share, error) = (mixture.share, mixture.error)
    let about = "\(percent(share)) % with a standard error of \(percent(error)) %"
    guard mixture.misfit < Self.largestMisfit else {
      return .impossible("the anchors are not distributed like any part of the training samples")
    }
    guard error <= maximumError else { return .impossible("the share of good samples is too uncertain, \(about)") }
    guard share >= 2 * error else {
      return .impossible("hardly any training sample scores like the anchors, \(about)")
    }
    let best = BestF1(mixture.chances, train)
    return .found(
      best.lowest,
      "an estimated \(percent(share)) % of the \(train.count) training samples are good (standard error "
        + "\(percent(error)) %); the threshold is where the estimated F1 is highest, \(decimal(best.f1, places: 3))")
  }

  /// √n times the largest distance between two distribution functions. By Kolmogorov's limit, valid anchors exceed it with a
  /// probability of one in eight thousand.
  private static let largestMisfit = 2.2
}

private func percent(_ share: Double) -> String { decimal(100 * share, places: 1) }

/// A number between 0 and 100, rounded.
private func decimal(_ number: Double, places: Int) -> String {
  let unit = places == 1 ? 10 : 1000
  let whole = Int((number * Double(unit)).rounded())
  let digits = String(whole % unit)
  return "\(whole / unit)." + String(repeating: "0", count: places - digits.count) + digits
}
