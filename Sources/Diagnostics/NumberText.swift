import Glibc

/// A number of bytes in a suitable unit.
package func size(_ bytes: Int) -> String {
  let units = ["B", "kB", "MB", "GB", "TB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1000, unit < units.count - 1 {
    value /= 1000
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : "\(formatted("%.1f", value)) \(units[unit])"
}

/// A number with four significant digits.
package func short(_ number: Double) -> String { formatted("%.4g", number) }

/// The same next to numbers of the size `scale`: a value that is only rounding error is 0.
package func short(_ number: Double, beside scale: Double) -> String {
  short(abs(number) <= 1e-12 * abs(scale) ? 0 : number)
}

/// A cosine with three decimals, so that a column of them lines up; a dash if there is none.
package func cosineText(_ cosine: Double?) -> String {
  guard let cosine else { return "–" }
  let text = formatted("%.3f", cosine)
  return text == "-0.000" ? "0.000" : text
}

/// A share in percent.
package func percent(_ share: Double) -> String {
  let digits = share >= 0.1 ? 1 : share >= 0.01 ? 2 : 3
  return "\(formatted("%.\(digits)f", share * 100)) %"
}

/// A number as C prints it.
private func formatted(_ format: String, _ number: Double) -> String {
  // The largest double has 309 digits before the point.
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
    _ = withVaList([number]) { vsnprintf(buffer.baseAddress, buffer.count, format, $0) }
    return String(cString: buffer.baseAddress!)
  }
}
