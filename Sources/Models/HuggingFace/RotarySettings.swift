import Diagnostics
import JSON

/// What a config says about its rotary embedding, in the spelling of transformers 4 (`rope_theta`, `rope_scaling` with `type`
/// or `rope_type`) or 5 (`rope_parameters`).
struct RotarySettings {
  var base: Double
  var scaling: RotaryScaling

  init(_ config: inout Settings, maximumLength: Int) throws {
    let base = try config.number("rope_theta")
    let (old, new) = (config.value("rope_scaling"), config.value("rope_parameters"))
    if old != nil, new != nil {
      throw Failure(
        .badData, "has 'rope_scaling' and 'rope_parameters'", advice: "keep the one that the model was trained with")
    }
    let key = old == nil ? "rope_parameters" : "rope_scaling"
    let trainedLength = try config.number("original_max_position_embeddings")
    guard let value = old ?? new else {
      self.init(base: base ?? Self.usualBase, scaling: .none)
      try checkBase()
      return
    }
    guard let object = value.objectValue else { throw config.mismatch(key, value, "an object is expected") }
    var settings = Settings(object, prefix: "\(key).")

    let inner = try settings.number("rope_theta")
    if let inner, let base, inner != base {
      throw Failure(.badData, "'rope_theta' is \(base), but '\(key).rope_theta' is \(inner)")
    }
    let (kind, type) = (try settings.text("rope_type"), try settings.text("type"))
    if let kind, let type, kind != type {
      throw Failure(.badData, "'\(key).rope_type' is '\(kind)', but '\(key).type' is '\(type)'")
    }
    if let part = try settings.number("partial_rotary_factor"), part != 1 {
      throw Failure(
        .badData, "'\(key).partial_rotary_factor' is \(part): heads that are turned in part are not computed")
    }
    self.init(base: inner ?? base ?? Self.usualBase, scaling: .none)
    try checkBase()
    let innerLength = try settings.number("original_max_position_embeddings")
    if let innerLength, let trainedLength, innerLength != trainedLength {
      throw Failure(
        .badData, "'original_max_position_embeddings' is \(trainedLength), but that of '\(key)' is \(innerLength)")
    }
    let length = innerLength ?? trainedLength ?? Double(maximumLength)
    switch kind ?? type ?? "default" {
    case "default": break
    case "linear": scaling = .linear(factor: try settings.requiredNumber("factor"))
    case "llama3": scaling = try Self.llama3(&settings, length)
    case "yarn": scaling = .yarn(try Self.yarn(&settings, length, maximumLength: maximumLength))
    case let other:
      throw Failure(
        .badData, "the rotary embedding is of the type '\(other)'",
        advice: "default, linear, llama3 and yarn are computed")
    }
    // Whether a model was trained further after it was stretched changes nothing.
    try settings.refuseOthers(harmless: ["finetuned"])
  }

  init(base: Double, scaling: RotaryScaling) {
    self.base = base
    self.scaling = scaling
  }

  private func checkBase() throws {
    guard base > 1 else { throw Failure(.badData, "'rope_theta' is \(base), where more than 1 is expected") }
  }

  private static let usualBase = 10_000.0

  private static func llama3(_ settings: inout Settings, _ length: Double) throws -> RotaryScaling {
    let factor = try settings.requiredNumber("factor")
    let low = try settings.requiredNumber("low_freq_factor")
    let high = try settings.requiredNumber("high_freq_factor")
    guard high > low else {
      throw Failure(.badData, "'high_freq_factor' is \(high), where more than 'low_freq_factor', \(low), is expected")
    }
    return .llama3(factor: factor, low: low, high: high, trainedLength: length)
  }

  private static func yarn(
    _ settings: inout Settings, _ length: Double, maximumLength: Int
  ) throws -> RotaryScaling.Yarn {
    let isNull = settings.isNull("factor")
    guard let factor = try settings.number("factor") ?? (isNull ? Double(maximumLength) / length : nil) else {
      throw settings.absent("factor")
    }
    let (scale, numerator, denominator) = (
      try settings.number("attention_factor"), try settings.number("mscale"), try settings.number("mscale_all_dim")
    )
    let usual =
      if let numerator, let denominator {
        RotaryScaling.Yarn.usualScale(factor, numerator) / RotaryScaling.Yarn.usualScale(factor, denominator)
      } else {
        RotaryScaling.Yarn.usualScale(factor)
      }
    return RotaryScaling.Yarn(
      factor: factor, trainedLength: length, scale: scale ?? usual, fast: try settings.number("beta_fast") ?? 32,
      slow: try settings.number("beta_slow") ?? 1, truncates: try settings.flag("truncate", default: true))
  }
}
