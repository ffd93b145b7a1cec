extension Tensor {
  /// The error of rounding float64 numbers to float32, in Euclidean norm: ‖x′ − x‖ over ‖x‖.
  ///
  /// It is at most 2⁻²⁴ if there is only rounding, 1 if all of them become zero, and infinite if one becomes infinite. 0 for
  /// other types, and for numbers that are not finite themselves.
  public func narrowingError() -> Double {
    guard dtype == .f64 else { return 0 }
    return bytes.withUnsafeBytes { source in
      func value(_ index: Int) -> Double { source.loadUnaligned(fromByteOffset: index * 8, as: Double.self) }
      var largest = 0.0
      for index in 0..<count {
        guard value(index).isFinite else { return 0 }
        largest = max(largest, value(index).magnitude)
      }
      guard largest > 0 else { return 0 }
      guard Float(largest).isFinite else { return .infinity }
      var (energy, lost) = (0.0, 0.0)
      // In units of the largest, because squares leave the range of float64 long before the numbers do.
      for index in 0..<count {
        let number = value(index)
        let (part, loss) = (number / largest, (Double(Float(number)) - number) / largest)
        energy += part * part
        lost += loss * loss
      }
      return (lost / energy).squareRoot()
    }
  }
}
