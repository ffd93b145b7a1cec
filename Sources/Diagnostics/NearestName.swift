/// The candidate that `name` was probably meant to be, or nil if none is close.
///
/// The distance is the number of insertions, deletions, substitutions and swaps of neighbours, at most a third of the length.
///
/// Names may be untrusted, and a comparison takes time in proportion to both lengths: long names have no close candidates,
/// and of very many candidates only the first are examined.
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  guard name.utf8.count <= longestName else { return nil }
  let wanted = Array(name.lowercased())
  let near = candidates.prefix(mostNames).compactMap { candidate -> (distance: Int, candidate: String)? in
    guard candidate.utf8.count <= longestName else { return nil }
    let letters = Array(candidate.lowercased())
    let limit = max(1, max(wanted.count, letters.count) / 3)
    // The lengths alone exclude most candidates.
    guard abs(wanted.count - letters.count) <= limit else { return nil }
    let distance = editDistance(wanted, letters)
    return distance <= limit ? (distance, candidate) : nil
  }
  return near.min { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }?.candidate
}

/// "did you mean 'x'?" for an error's advice, or a list of the candidates.
public func suggestion(for name: String, among candidates: some Collection<String>) -> String {
  if let near = nearestName(to: name, among: candidates) { return "did you mean '\(near)'?" }
  let shown = 50
  let known = candidates.sorted().prefix(shown).joined(separator: ", ")
  let more = candidates.count > shown ? " and \(candidates.count - shown) more" : ""
  return known.isEmpty ? "there is none to choose from" : "known here: \(known)\(more)"
}

/// The maximum length in bytes of a name that is compared.
private let longestName = 200

/// The maximum number of names that are compared.
private let mostNames = 2000

private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
