extension Tensor {
  /// The error of rounding float64 numbers to float32, as ``narrowingError(of:)``; 0 for other types, and for numbers that
  /// are not finite themselves.
  public func narrowingError() -> Double {
    guard dtype == .f64 else { return 0 }
    return bytes.withUnsafeBytes { source in
      Tensors.narrowingError(
        of: (0..<count).lazy.map { source.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) })
    }
  }
}

/// The error of rounding numbers to float32, in Euclidean norm: ‖x′ − x‖ over ‖x‖.
///
/// It is at most 2⁻²⁴ if there is only rounding, 1 if all of them become zero, and infinite if one becomes infinite. 0 if
/// one is not finite itself.
public func narrowingError(of numbers: some Collection<Double>) -> Double {
  var largest = 0.0
  for number in numbers {
    guard number.isFinite else { return 0 }
    largest = max(largest, number.magnitude)
  }
  guard largest > 0 else { return 0 }
  guard Float(largest).isFinite else { return .infinity }
  var (energy, lost) = (0.0, 0.0)
  // In units of the largest, because squares leave the range of float64 long before the numbers do.
  for number in numbers {
    let (part, loss) = (number / largest, (Double(Float(number)) - number) / largest)
    energy += part * part
    lost += loss * loss
  }
  return (lost / energy).squareRoot()
}

/// The largest error of rounding to float32 that rounding alone explains.
public let faithfulNarrowing = 0x1p-22

/// Whether numbers lose more in float32 than rounding explains because they are below its range.
///
/// Fast for other numbers: one that is far enough above the end of the range settles it.
public func isLostInFloat32(_ numbers: some Collection<Double>) -> Bool {
  // Below the normal range the error is at most 2⁻¹⁵⁰ for each number.
  !numbers.contains { $0.magnitude >= 0x1p-96 } && narrowingError(of: numbers) > faithfulNarrowing
}
