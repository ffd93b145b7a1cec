import Diagnostics
import Tensors

extension OptimizerState {
  /// The moments by parameter, for parameters named and shaped as in `adapter_model.safetensors`.
  ///
  /// A file that records names is matched by them. Otherwise its order is that of `named_parameters()`, which is
  /// reconstructed from the names and from what is known of model families (``RegistrationOrder``); the number of
  /// parameters and every shape must agree, and if two orders fit, the file is refused. Every checksum is compared.
  /// Moments stored in row-major order stay in the mapping, others are copied.
  ///
  /// - throws: ``Failure`` `badData` that names the parameter, or the modules that cannot be told apart.
  public func moments(for parameters: [(name: String, shape: [Int])]) throws -> [String: Moments] {
    let asked = parameters.map { (name: ParameterName($0.name), shape: $0.shape) }
    guard Set(asked.map(\.name)).count == asked.count else {
      throw Failure(.badData, "is asked for the moments of one parameter twice")
    }
    let places = try names.map { try placesByName($0, asked) } ?? placesByOrder(asked)
    let groupsByPlace = groups.flatMap { Array(repeating: $0, count: $0.parameterCount) }
    var verified: Set<String> = []
    var result: [String: Moments] = [:]
    for (parameter, index) in zip(parameters, places) {
      result[parameter.name] = try locating(tensor: parameter.name) {
        guard let entry = entries[index] else {
          throw Failure(
            .badData, "has no moments in the optimizer state: it never had a gradient",
            advice: "remove the parameter from the adapter, or hand in a checkpoint in which it was trained")
        }
        return try moments(from: entry, in: groupsByPlace[index], shape: parameter.shape, &verified)
      }
    }
    return result
  }

  private func moments(
    from entry: Entry, in group: Group, shape: [Int], _ verified: inout Set<String>
  ) throws -> Moments {
    for tensor in [entry.first, entry.second] {
      guard tensor.shape == shape else {
        throw Failure(
          .badData, "has shape \(shape) in the adapter but moments of shape \(tensor.shape)",
          advice: tensor.shape.count == 1 && shape.count > 1
            ? "the state was flattened by FSDP: save it with use_orig_params and FULL_STATE_DICT"
            : "use adapter and optimizer state from the same checkpoint")
      }
      guard tensor.storage.dtype.isAdapterFloat else {
        throw Failure(.badData, "has moments in \(tensor.storage.dtype.torchName)", advice: OtherOptimizer.advice)
      }
      if verified.insert(tensor.storage.record.name).inserted { try tensor.storage.record.verify() }
    }
    return Moments(step: entry.step, first: entry.first.rowMajor(), second: entry.second.rowMajor(), group: group)
  }

  private func placesByName(
    _ names: [String], _ parameters: [(name: ParameterName, shape: [Int])]
  ) throws -> [Int] {
    var places: [ParameterName: Int] = [:]
    for (index, name) in names.enumerated() {
      if let other = places.updateValue(index, forKey: ParameterName(name)) {
        throw Failure(
          .badData, "is the same parameter as '\(names[other])' in the optimizer state",
          advice: "train one adapter at a time", tensor: name)
      }
    }
    return try parameters.map { parameter in
      guard let index = places[parameter.name] else {
        throw Failure(
          .badData, "is not among the \(names.count) parameters that the optimizer state names",
          advice: suggestion(for: parameter.name.text, among: names.map(parameterName)),
          tensor: tensorName(of: parameter.name.text))
      }
      return index
    }
  }

  private func placesByOrder(_ parameters: [(name: ParameterName, shape: [Int])]) throws -> [Int] {
    guard entries.count == parameters.count else {
      throw Failure(
        .badData, "holds \(entries.count) parameters, but the adapter has \(parameters.count)",
        advice: "use adapter and optimizer state from the same checkpoint")
    }
    guard groups.count == 1 else {
      throw Failure(
        .badData, "spreads the parameters over \(groups.count) groups without names, so they cannot be told apart",
        advice: "train with one parameter group, or with an optimizer that records param_names")
    }
    let registration = RegistrationOrder(of: parameters.map(\.name))
    return try ParameterLayout(parameters, shapes: entries.map { $0?.first.shape }, registration).places()
  }
}
