import Diagnostics

/// Finds out which parameter is at which position of an optimizer state that records only shapes.
///
/// The names form a tree, which the state lists depth first. If ``RegistrationOrder`` leaves more than one child that
/// could come next, the shapes decide; if they do not, nothing can, and that is an error.
struct ParameterLayout {
  private let parameters: [(name: ParameterName, shape: [Int])]
  /// The shape at each position, one per parameter; nil fits every parameter.
  private let shapes: [[Int]?]
  private let registration: RegistrationOrder
  /// The comparisons allowed, so that malicious names cannot take forever.
  private var budget = 1_000_000
  /// The parameter that failed to fit the furthest, for the message.
  private var misfit: (place: Int, parameter: Int)?

  init(_ parameters: [(name: ParameterName, shape: [Int])], shapes: [[Int]?], _ registration: RegistrationOrder) {
    (self.parameters, self.shapes, self.registration) = (parameters, shapes, registration)
  }

  /// The position of each parameter.
  ///
  /// - throws: ``Failure`` `badData` when no order fits, or more than one.
  func places() throws -> [Int] {
    var layout = self
    var root = Node()
    for (index, parameter) in parameters.enumerated() {
      guard parameter.name.parts.count <= 64 else {
        throw Failure(.badData, "has a name of too many parts", tensor: tensorName(of: parameter.name.text))
      }
      root.insert(parameter.name.parts[...], index)
    }
    switch try layout.fit(root, path: [], at: 0) {
    case .placed(let sequence):
      var places = [Int](repeating: 0, count: sequence.count)
      for (place, parameter) in sequence.enumerated() { places[parameter] = place }
      return places
    case .ambiguous(let failure): throw failure
    case .misfit: throw layout.misfitFailure()
    }
  }

  private struct Node {
    var parameter: Int?
    var children: [String: Node] = [:]

    mutating func insert(_ parts: ArraySlice<Substring>, _ index: Int) {
      if let first = parts.first {
        children[String(first), default: Node()].insert(parts.dropFirst(), index)
      } else {
        parameter = index
      }
    }
  }

  private enum Fit {
    /// The parameters of the subtree in the order of the state.
    case placed([Int])
    case misfit
    case ambiguous(Failure)
  }

  private mutating func fit(_ node: Node, path: [String], at start: Int) throws -> Fit {
    budget -= 1 + node.children.count
    guard budget > 0 else {
      throw Failure(.badData, "has parameter names that are too complex to put in order")
    }
    var sequence: [Int] = []
    if let parameter = node.parameter {
      let shape = shapes[start]
      guard shape == nil || shape == parameters[parameter].shape else {
        if misfit.map({ $0.place < start }) ?? true { misfit = (start, parameter) }
        return .misfit
      }
      sequence.append(parameter)
    }
    var rest = Set(node.children.keys)
    var orders = rest.isEmpty ? [] : registration.candidates(for: rest.sorted(), below: path)?.map { $0[...] }
    for _ in 0..<node.children.count {
      let next = orders.map { Set($0.compactMap(\.first)) } ?? rest
      var found: [(child: String, fit: Fit)] = []
      for child in next.sorted() {
        guard let subtree = node.children[child] else { continue }
        let fit = try fit(subtree, path: path + [child], at: start + sequence.count)
        if case .misfit = fit { continue }
        found.append((child, fit))
      }
      guard let (child, fit) = found.first else { return .misfit }
      if found.count > 1 { return .ambiguous(ambiguity(found.map(\.child), path)) }
      guard case .placed(let part) = fit else { return fit }
      sequence += part
      rest.remove(child)
      orders = orders?.filter { $0.first == child }.map { $0.dropFirst() }
    }
    return .placed(sequence)
  }

  private func ambiguity(_ children: [String], _ path: [String]) -> Failure {
    let names = children.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
    return Failure(
      .badData,
      "records no parameter names, and its shapes do not tell which of \(names) in '\(tensorName(of: path.joined(separator: ".")))' "
        + "comes first",
      advice: "train with an optimizer that records param_names, or hand in a ledger")
  }

  private func misfitFailure() -> Failure {
    guard let misfit else { return Failure(.badData, "does not fit the adapter") }
    let name = tensorName(of: parameters[misfit.parameter].name.text)
    let there = shapes[misfit.place].map { "\($0)" } ?? "none"
    return Failure(
      .badData, "has shape \(parameters[misfit.parameter].shape), but at its position the optimizer state has \(there)",
      advice: "use adapter and optimizer state from the same checkpoint, or hand in a ledger",
      tensor: name)
  }
}
