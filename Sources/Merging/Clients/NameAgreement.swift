import Adapters
import Diagnostics

extension NameAgreement {
  /// Checks that the clients of these adapters use the same names for the same layers, and warns if this is in doubt.
  ///
  /// - parameter ofAbsolutesToo: Whether tensors that replace the base model's will be in the result.
  /// - throws: ``Failure`` `badData` if two clients use different names for most of what they have in common.
  package static func notes(of adapters: [(client: String, adapter: Adapter)], ofAbsolutesToo: Bool = false) throws
    -> [Note]
  {
    let clients = adapters.map(\.client)
    try checkSpellings(of: adapters)
    var notes: [Note] = []
    if let first = adapters.first, !adapters.allSatisfy({ $0.adapter.modules.keys == first.adapter.modules.keys }) {
      let modules = adapters.map {
        $0.adapter.modules.mapValues { "\($0.kind.rawValue) \($0.outputs) \($0.a.shape.dropFirst())" }
      }
      notes = try NameAgreement(clients, modules).notes
    }
    if ofAbsolutesToo {
      // Biases have the fronts of their layers.
      let replaced = adapters.map {
        $0.adapter.absolutes.filter { replacedLayer(of: $0.key) != nil }.mapValues { "\($0.shape)" }
      }
      notes += try NameAgreement(clients, replaced, mustShare: false).notes
    }
    return notes
  }

  /// Refuses two spellings of a layer's name: PEFT finds the layer under only one of them.
  private static func checkSpellings(of adapters: [(client: String, adapter: Adapter)]) throws {
    let names = adapters.map { $0.adapter.modules.keys.sorted() + $0.adapter.absolutes.keys.sorted() }
    guard let pair = twoSpellings(among: names.flatMap(\.self), dividedBy: ".") else { return }
    func owner(_ path: String) -> String {
      let place = names.firstIndex { $0.contains { $0.utf8.starts(with: path.utf8) } }
      return place.map { "client '\(adapters[$0].client)' has" } ?? "there is"
    }
    throw Failure(
      .badData,
      "\(owner(pair.first)) '\(escaped(pair.first))' but \(owner(pair.second)) '\(escaped(pair.second))': one name in two "
        + "spellings", advice: .spellOneWay)
  }
}

/// Whether clients use the same names for the same layers.
///
/// The same model has other names when it is loaded as another class (`LlamaForCausalLM` has `model.layers.0…`,
/// `LlamaModel` has `layers.0…`) or by another version of transformers (4.52 made `model.language_model.layers.0…` of
/// `language_model.model.layers.0…`). What differs is the *front* of a name, before the layers; the rest of it and the
/// layer's shape stay. Two names count as one layer if this is so, one front has all the pieces of the other, and no client
/// has both. The additional pieces must not select a tower (`vision_model`, `encoder`): those are other layers.
///
/// Clients may adapt different layers, and often do, so different names are no fault by themselves. Two clients that name
/// *more* layers differently than alike are refused, since half of each would be lost; fewer cause a warning. So do clients
/// that share no layer, and layers in lists whose names differ only in front, in any other way.
package struct NameAgreement {
  package private(set) var notes: [Note] = []
  private let clients: [String]
  /// The clients that have a layer, by its name.
  private var owners: [String: [Int]] = [:]
  /// Other names that may refer to the same layer.
  private var twins: [String: [String]] = [:]
  /// Two names that differ only in front, or in upper and lower case, which proves nothing by itself; the first in order.
  private var lookalikes: (a: String, b: String)?

  /// - parameters:
  ///   - layers: The layers' names by client, each with what must be equal if they are the same layer.
  ///   - mustShare: Whether to warn about clients that share no layer.
  package init(_ clients: [String], _ layers: [[String: String]], mustShare: Bool = true) throws {
    self.clients = clients
    var shapes: [String: String] = [:]
    for (client, layers) in layers.enumerated() {
      for (name, shape) in layers {
        owners[name, default: []].append(client)
        shapes[name] = shape
      }
    }
    guard owners.values.contains(where: { $0.count < clients.count }) else { return }
    findTwins(shapes)
    if let warning = try compareClients() { notes.append(warning) }
    if mustShare, notes.isEmpty, let warning = disjointClients() ?? lookalike() { notes.append(warning) }
  }

  /// A layer's name, split where the layers begin.
  private struct Name {
    let whole: String
    let front: [Substring]
    let tail: [Substring]
    /// Whether it is in a list of layers.
    let isListed: Bool

    /// The tail begins with the list of layers (`layers.3…`); for a layer outside such lists it is just its own name.
    init(_ whole: String) {
      self.whole = whole
      // Wrappers further inside are normally kept, because a layer may have this name; here they do not matter.
      let parts = whole.split(separator: ".", omittingEmptySubsequences: false).filter { $0 != "module" }
      // A number in front is an index in a Sequential, as in sentence-transformers: `0.auto_model.encoder.layer.3…`.
      let number = parts.dropFirst().firstIndex(where: Self.isNumber)
      let own = parts.last == "weight" ? 2 : 1
      let start = number.map { $0 - 1 } ?? max(0, parts.count - own)
      isListed = number != nil
      (front, tail) = (Array(parts[..<start]), Array(parts[start...]))
    }

    /// Whether both names may refer to the same layer.
    func isTwin(of other: Name) -> Bool {
      let (short, long) = front.count <= other.front.count ? (front, other.front) : (other.front, front)
      var more = long
      for piece in short {
        guard let index = more.firstIndex(of: piece) else { return false }
        more.remove(at: index)
      }
      return (isListed || !more.contains(where: Self.isNumber))
        && (!more.contains(where: Self.choosesTower) || short.contains(where: Self.choosesTower))
    }

    private static func isNumber(_ part: Substring) -> Bool { !part.isEmpty && part.utf8.allSatisfy { 48...57 ~= $0 } }

    private static func choosesTower(_ part: Substring) -> Bool {
      ["vision", "visual", "image", "video", "audio", "speech", "encoder", "decoder"].contains { part.contains($0) }
    }
  }

  private mutating func findTwins(_ shapes: [String: String]) {
    struct Key: Hashable {
      let tail: [Substring]
      let shape: String?
    }
    struct Fronts: Hashable {
      let a: [Substring]
      let b: [Substring]
    }
    let groups = Dictionary(grouping: owners.keys.map { Name($0) }) { Key(tail: $0.tail, shape: shapes[$0.whole]) }
    var pairs: [(a: Name, b: Name)] = []
    var different: Set<Fronts> = []
    var others: [Fronts: (a: String, b: String)] = [:]
    for names in groups.values where names.count > 1 {
      // Names come from other people; beyond this many fronts the rest would add nothing.
      let names = names.sorted { $0.whole < $1.whole }.prefix(16)
      for (index, a) in names.enumerated() {
        for b in names.dropFirst(index + 1) {
          let fronts = Fronts(a: a.front, b: b.front)
          if !Set(owners[a.whole] ?? []).isDisjoint(with: owners[b.whole] ?? []) {
            different.insert(fronts)
          } else if a.isTwin(of: b) {
            pairs.append((a, b))
          } else if a.isListed {
            let names = (a: a.whole, b: b.whole)
            if others[fronts].map({ names < $0 }) ?? true { others[fronts] = names }
          }
        }
      }
    }
    for (a, b) in pairs where !different.contains(Fronts(a: a.front, b: b.front)) {
      twins[a.whole, default: []].append(b.whole)
      twins[b.whole, default: []].append(a.whole)
    }
    lookalikes = (others.filter { !different.contains($0.key) }.values + inOtherCase(shapes)).min(by: <)
  }

  /// Pairs of names, of layers of one shape, that differ in upper and lower case alone, and that no client has both.
  private func inOtherCase(_ shapes: [String: String]) -> [(a: String, b: String)] {
    Dictionary(grouping: owners.keys) { $0.lowercased() }.values.compactMap { names in
      guard names.count > 1 else { return nil }
      let names = names.sorted()
      let (a, b) = (names[0], names[1])
      return shapes[a] == shapes[b] && Set(owners[a] ?? []).isDisjoint(with: owners[b] ?? []) ? (a, b) : nil
    }
  }

  /// Compares clients that have the same layer under two names.
  ///
  /// - returns: A warning, if they agree in more names than they differ.
  private func compareClients() throws -> Note? {
    var layers: [Int: Set<String>] = [:]
    for (name, owners) in owners { for owner in owners { layers[owner, default: []].insert(name) } }
    var compared: Set<[Int]> = []
    var warning: Note?
    for name in twins.keys.sorted() {
      for twin in twins[name]?.sorted() ?? [] {
        for first in owners[name] ?? [] {
          for second in owners[twin] ?? [] where first < second && compared.count < 1_000 {
            guard compared.insert([first, second]).inserted else { continue }
            let (mine, theirs) = (layers[first] ?? [], layers[second] ?? [])
            let alike = mine.intersection(theirs).count
            let apart = mine.count { twins[$0]?.contains(where: theirs.contains) ?? false }
            let what =
              "client '\(clients[first])' has '\(name)' but client '\(clients[second])' has '\(twin)'"
              + (apart > 1 ? ", and so on for \(apart) layers" : "")
            guard apart <= alike else {
              throw Failure(
                .badData, "\(what): one layer under two names, which a merge would treat as two, losing half of each",
                advice:
                  "they were trained on different classes of one model (such as LlamaForCausalLM and LlamaModel) or "
                  + "with different versions of transformers: rename one client's tensors to match the other's")
            }
            warning =
              warning
              ?? .warning("\(what): if these are the same layer, rename one client's tensors to match the other's")
          }
        }
      }
    }
    return warning
  }

  /// A warning, if two layers look like one.
  private func lookalike() -> Note? {
    guard let (a, b) = lookalikes, let mine = owners[a]?.first, let theirs = owners[b]?.first else { return nil }
    let (first, second) = mine < theirs ? ((mine, a), (theirs, b)) : ((theirs, b), (mine, a))
    return .warning(
      "client '\(clients[first.0])' has '\(first.1)' but client '\(clients[second.0])' has '\(second.1)': if these are the same "
        + "layer, rename one client's tensors to match the other's")
  }

  /// A warning, if clients fall into groups that share no layer.
  private func disjointClients() -> Note? {
    var group = Array(clients.indices)
    func root(_ client: Int) -> Int {
      var client = client
      while group[client] != client { client = group[client] }
      return client
    }
    for owners in owners.values {
      for owner in owners.dropFirst() {
        let (a, b) = (root(owners[0]), root(owner))
        group[max(a, b)] = min(a, b)
      }
    }
    let groups = Dictionary(grouping: clients.indices, by: root).values.sorted { $0[0] < $1[0] }
    guard groups.count > 1 else { return nil }
    let shown = groups.prefix(2).map { members in
      let others = members.count > 1 ? " (and \(members.count - 1) more)" : ""
      let example = owners.filter { $0.value.contains(members[0]) }.map(\.key).min() ?? "nothing"
      return (client: "client '\(clients[members[0]])'\(others)", module: "'\(example)'")
    }
    return .warning(
      "\(shown[0].client) shares no module with \(shown[1].client) (\(shown[0].module) and \(shown[1].module)"
        + (groups.count > 2 ? "; there are \(groups.count) such groups" : "")
        + "): each of their updates is in the result by itself, times its weight")
  }
}
