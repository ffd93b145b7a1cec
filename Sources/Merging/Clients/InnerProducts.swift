/// The inner products of all pairs, row-major, summed over parts in which not everyone takes part.
///
/// - parameters:
///   - parts: The indices of those that take part, and their inner products, row-major; summed in this order.
///   - count: How many there are in all.
package func summed(_ parts: [(places: [Int], products: [Double])], count: Int) -> [Double] {
  var sums = [Double](repeating: 0, count: count * count)
  for (places, products) in parts {
    for (row, i) in places.enumerated() {
      for (column, j) in places.enumerated() { sums[i * count + j] += products[row * places.count + column] }
    }
  }
  return sums
}
