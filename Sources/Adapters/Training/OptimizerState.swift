import Diagnostics
import Tensors

/// The state of AdamW when a checkpoint was written: `optimizer.pt` of the Hugging Face Trainer, or FSDP's
/// `optimizer.bin`.
///
/// The file is mapped, and the moments are views of it. It is a pickle, and is read by a
/// reader that executes nothing. Format: `torch.optim.Optimizer.state_dict`.
public struct OptimizerState: Sendable {
  /// The moments of one parameter, in its shape.
  public struct Moments: Sendable {
    /// Optimizer steps taken.
    public let step: Int
    /// The mean of the gradients, `exp_avg`.
    public let first: Tensor
    /// The mean of their squares, `exp_avg_sq`.
    public let second: Tensor
    /// The settings with which it was trained.
    public let group: Group
  }

  /// The settings with which a group of parameters was trained.
  public struct Group: Sendable, Equatable {
    /// The learning rate of the next step: the schedule has moved on when the Trainer saves.
    public let learningRate: Double?
    public let beta1: Double
    public let beta2: Double
    public let epsilon: Double
    public let weightDecay: Double
    /// Whether updates were divided by the largest `exp_avg_sq` so far instead of the current one.
    public let amsgrad: Bool
    /// How many parameters belong to it.
    public let parameterCount: Int
  }

  /// The groups that have parameters, in the order of the file.
  public let groups: [Group]

  /// A parameter's state as the file holds it.
  struct Entry: Sendable {
    let step: Int
    let first: TorchTensor
    let second: TorchTensor
  }

  /// The states in the order of the groups; nil for a parameter that never had a gradient.
  let entries: [Entry?]

  /// The names of the parameters in the same order, if the file records them.
  let names: [String]?

  /// Reads and checks the structure, without touching the elements.
  ///
  /// - throws: ``Failure`` `badData`: no file of `torch.save`, a pickle that does more than describe an optimizer, or
  ///   the state of an optimizer without Adam's two moments, named.
  public init(_ bytes: Bytes, limits: Limits = Limits()) throws {
    let fields = PickleFields(try PickleReader.read(try TorchArchive(bytes, limits: limits), limits: limits))
    let top = try fields.members(of: fields.pickle.root, "the file")
    guard let state = top["state"], let paramGroups = top["param_groups"] else {
      throw Failure(
        .badData, "holds no optimizer state: it has no 'state' and 'param_groups'",
        advice: "hand in the optimizer.pt of the same checkpoint")
    }
    let states = try Self.states(fields, state)
    let references = try fields.items(of: paramGroups, "'param_groups'")
    // A value of a pickle can be referenced a million times; each is visited once.
    guard Set(references).count == references.count else { throw Failure(.badData, "lists a parameter group twice") }
    var seen: Set<Key> = []
    let groups = try references.map { try ParsedGroup(fields, $0, &seen) }
    guard !states.isEmpty else {
      throw Failure(
        .badData, "holds no moments: the optimizer had not taken a step, or does not keep any",
        advice: "hand in a later checkpoint, trained with AdamW")
    }
    let keys = groups.flatMap(\.keys)
    guard Set(states.keys).isSubset(of: keys) else {
      throw Failure(.badData, "holds the state of a parameter that no group lists")
    }
    self.groups = groups.filter { !$0.keys.isEmpty }.map(\.group)
    entries = keys.map { states[$0] }
    names = try Self.names(of: groups)
  }

  /// FSDP's keys are already names; other files may list names along with the keys, in every group or not at all.
  private static func names(of groups: [ParsedGroup]) throws -> [String]? {
    let keyNames = groups.flatMap(\.keys).compactMap { key in if case .name(let name) = key { name } else { nil } }
    let listed = groups.filter { !$0.keys.isEmpty }
    if keyNames.count == listed.reduce(0, { $0 + $1.keys.count }) { return keyNames }
    guard keyNames.isEmpty else { throw Failure(.badData, "mixes parameters by number with parameters by name") }
    let names = listed.compactMap(\.names)
    guard names.count == listed.count else { return nil }
    return names.flatMap { $0 }
  }

  private static func states(_ fields: PickleFields, _ reference: Pickle.Reference) throws -> [Key: Entry] {
    guard case .dictionary(let members) = fields.pickle[reference] else {
      throw Failure(.badData, "has \(fields.pickle[reference].kindName) as 'state' instead of a dict")
    }
    var states: [Key: Entry] = [:]
    var seen: Set<Pickle.Reference> = []
    for (keyReference, value) in members {
      let key = try Key(fields, keyReference)
      guard seen.insert(value).inserted else {
        throw Failure(.badData, "gives \(key.text) the state of another parameter")
      }
      let state = try fields.members(of: value, "the state of \(key.text)")
      try OtherOptimizer.refuse(stateWith: Set(state.keys))
      guard let step = state["step"], let first = state["exp_avg"], let second = state["exp_avg_sq"] else {
        throw Failure(.badData, "the state of \(key.text) has no 'step'")
      }
      let entry = Entry(
        step: try fields.step(step, of: key.text), first: try fields.tensor(first, "'exp_avg' of \(key.text)"),
        second: try fields.tensor(second, "'exp_avg_sq' of \(key.text)"))
      guard states.updateValue(entry, forKey: key) == nil else {
        throw Failure(.badData, "holds the state of \(key.text) twice")
      }
    }
    return states
  }

  /// How the file identifies a parameter.
  enum Key: Hashable {
    case number(Int64)
    case name(String)

    init(_ fields: PickleFields, _ reference: Pickle.Reference) throws {
      switch fields.pickle[reference] {
      case .integer(let number): self = .number(number)
      case .text(let name): self = .name(name)
      case let other: throw Failure(.badData, "identifies a parameter by \(other.kindName)")
      }
    }

    var text: String {
      switch self {
      case .number(let number): "parameter \(number)"
      case .name(let name): "parameter '\(name)'"
      }
    }
  }

  private struct ParsedGroup {
    let group: Group
    let keys: [Key]
    let names: [String]?

    /// - parameter seen: The parameters of the groups before.
    init(_ fields: PickleFields, _ reference: Pickle.Reference, _ seen: inout Set<Key>) throws {
      let members = try fields.members(of: reference, "a parameter group")
      guard let params = members["params"] else { throw Failure(.badData, "has a parameter group without 'params'") }
      var keys: [Key] = []
      for item in try fields.items(of: params, "'params'") {
        let key = try Key(fields, item)
        guard seen.insert(key).inserted else { throw Failure(.badData, "lists \(key.text) twice in its groups") }
        keys.append(key)
      }
      self.keys = keys
      try OtherOptimizer.refuse(groupWith: Set(members.keys))
      guard let betas = members["betas"], let epsilon = members["eps"] else {
        throw Failure(
          .badData, "was written by an optimizer without betas and eps, which cannot be Adam",
          advice: OtherOptimizer.advice)
      }
      let pair = try fields.items(of: betas, "'betas'")
      let beta = try pair.prefix(2).map { try fields.number($0, "'betas'") }
      guard pair.count == 2, beta.allSatisfy({ (0..<1).contains($0) }) else {
        throw Failure(.badData, "has betas that are not two numbers from 0 up to 1")
      }
      let eps = try fields.number(epsilon, "'eps'")
      guard eps >= 0 else { throw Failure(.badData, "has a negative eps") }
      if let maximize = members["maximize"], try fields.flag(maximize, "'maximize'") {
        throw Failure(.badData, "was written by an optimizer that maximises, so its moments have the opposite sign")
      }
      group = Group(
        learningRate: try members["lr"].map { try fields.number($0, "'lr'") }, beta1: beta[0], beta2: beta[1],
        epsilon: eps, weightDecay: try members["weight_decay"].map { try fields.number($0, "'weight_decay'") } ?? 0,
        amsgrad: try members["amsgrad"].map { try fields.flag($0, "'amsgrad'") } ?? false, parameterCount: keys.count)
      names = try members["param_names"].map { reference in
        let names = try fields.items(of: reference, "'param_names'")
        guard names.count == keys.count else {
          throw Failure(.badData, "has a group of \(keys.count) parameters with \(names.count) names")
        }
        return try names.map { try fields.text($0, "'param_names'") }
      }
    }
  }
}
