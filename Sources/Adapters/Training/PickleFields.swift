import Diagnostics
import Tensors

/// Looks into a ``Pickle`` for values of an expected kind; every error says what was expected and what was found.
struct PickleFields {
  let pickle: Pickle

  init(_ pickle: Pickle) { self.pickle = pickle }

  /// The members of a dictionary with names for keys, each once.
  ///
  /// Dictionaries of settings are small. A large one could be referenced many times, so it is refused instead of being
  /// traversed again and again.
  func members(of reference: Pickle.Reference, _ what: String) throws -> [String: Pickle.Reference] {
    guard case .dictionary(let pairs) = pickle[reference] else { throw miss(what, "a dict", reference) }
    guard pairs.count <= 256 else {
      throw Failure(.badData, "\(what) has \(pairs.count) members, which is too many")
    }
    var members: [String: Pickle.Reference] = [:]
    for (key, value) in pairs {
      guard members.updateValue(value, forKey: try text(key, "a key in \(what)")) == nil else {
        throw Failure(.badData, "\(what) has a duplicate member")
      }
    }
    return members
  }

  /// The items of a list or a tuple.
  func items(of reference: Pickle.Reference, _ what: String) throws -> [Pickle.Reference] {
    switch pickle[reference] {
    case .list(let items), .tuple(let items): return items
    default: throw miss(what, "a list", reference)
    }
  }

  func text(_ reference: Pickle.Reference, _ what: String) throws -> String {
    guard case .text(let text) = pickle[reference] else { throw miss(what, "a str", reference) }
    return text
  }

  func flag(_ reference: Pickle.Reference, _ what: String) throws -> Bool {
    guard case .bool(let flag) = pickle[reference] else { throw miss(what, "a bool", reference) }
    return flag
  }

  /// A finite number: plain, or a tensor without axes, as capturable optimizers keep them.
  func number(_ reference: Pickle.Reference, _ what: String) throws -> Double {
    let number: Double
    switch pickle[reference] {
    case .integer(let value): number = Double(value)
    case .real(let value): number = value
    case .tensor(let tensor) where tensor.count == 1:
      let single = tensor.rowMajor()
      number =
        switch single.dtype {
        case .f64: single.bytes.withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
        case .f32, .f16, .bf16: Double(try single.floats()[0])
        default: Double(try single.integers()[0])
        }
    default: throw miss(what, "a number", reference)
    }
    guard number.isFinite else { throw Failure(.badData, "\(what) is \(number)") }
    return number
  }

  func step(_ reference: Pickle.Reference, of what: String) throws -> Int {
    let number = try number(reference, "'step' of \(what)")
    guard number >= 0, let step = Int(exactly: number) else {
      throw Failure(.badData, "'step' of \(what) is \(number), which is not a number of steps")
    }
    return step
  }

  func tensor(_ reference: Pickle.Reference, _ what: String) throws -> TorchTensor {
    guard case .tensor(let tensor) = pickle[reference] else { throw miss(what, "a tensor", reference) }
    return tensor
  }

  private func miss(_ what: String, _ due: String, _ reference: Pickle.Reference) -> Failure {
    Failure(.badData, "\(what) is \(pickle[reference].kindName) instead of \(due)")
  }
}
