/// Whether `a` comes before `b` with numbers compared as numbers: layers.2 before layers.10.
package func naturally(_ a: String, _ b: String) -> Bool {
  for (x, y) in zip(a.split(separator: "."), b.split(separator: ".")) where x != y {
    switch (UInt(x), UInt(y)) {
    case (let m?, let n?) where m != n: return m < n
    case (_?, nil): return true
    case (nil, _?): return false
    case (nil, nil): return x.utf8.lexicographicallyPrecedes(y.utf8)
    default: continue
    }
  }
  return a.utf8.lexicographicallyPrecedes(b.utf8)
}
