import CluesPluginABI
import PluginHost

/// The inputs for testing an entry. Everything random depends only on the seed.
struct CallScript {
  var seed: UInt64
  /// The parameters to create it with.
  var parameters: [RawParameter]
  /// Rows of the matrices of a merge; samples of a client.
  var rows = 6
  /// Columns of the matrices; elements of a gradient.
  var columns = 5
  var values = Values.ordinary
  /// The content of outputs before they are filled.
  var outputFill: UInt8 = 0

  enum Values {
    case ordinary, zeros
    /// NaN, infinities, denormals, the largest numbers and −0 among ordinary ones.
    case strange

    /// A number of this kind.
    func next(_ draw: inout Draw) -> Float {
      switch self {
      case .ordinary: return Float(draw.number(in: -1...1))
      case .zeros: return 0
      case .strange:
        let odd: [Float] = [
          .nan, .infinity, -.infinity, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .greatestFiniteMagnitude,
          -.greatestFiniteMagnitude, -0.0, 0,
        ]
        return draw.integer(in: 0...2) == 0 ? draw.element(of: odd) : Float(draw.number(in: -1...1))
      }
    }
  }

  // MARK: Merging

  var inputCount = 3
  /// The order in which the host lists the inputs; nil for the order of their names.
  var order: [Int]?
  var weights: [Double] = []
  var layout = Layout.packed
  var dtype = CLUES_F32
  /// A rank other than that of matrices.
  var rank: UInt32 = 2
  /// An unknown space and part.
  var space: clues_space?
  var part: clues_part?
  /// Whether the second module comes first.
  var reversesModules = false
  /// Whether the first client lacks the second module.
  var hasGaps = false
  var namesAreHostile = false
  /// Whether inputs are nowhere in memory when they are noted, and what happens if their rows are read.
  var reading: Reading?

  enum Reading {
    case works, fails
  }

  enum Layout: String {
    case packed
    /// Every row is followed by unused elements.
    case spaced = "rows with gaps between them"
    /// Column after column.
    case transposed = "columns one after the other"
  }

  // MARK: Scoring

  /// The number of rows of gradients at a time.
  var blockRows = 4
  var domains = ["finance", "medical"]
  /// An unknown split.
  var split: clues_split?

  /// The splits of a client's samples, before an unknown one takes their place.
  var splits: [Split] { (0..<rows).map { $0 % 3 == 2 ? .anchor : .train } }

  /// Overwrites the splits of a client with the unknown one, if there is one.
  func spoil(_ splits: UnsafePointer<UInt32>?) {
    guard let split, let splits else { return }
    UnsafeMutablePointer(mutating: splits).update(repeating: split.rawValue, count: rows)
  }

  init(seed: UInt64, parameters: [RawParameter]) {
    self.seed = seed
    self.parameters = parameters
  }

  /// The name of a client.
  func client(_ place: Int) -> String {
    namesAreHostile
      ? ["", "клиент\u{202E}\u{1B}[2J", String(repeating: "long", count: 2000), "a/b\\c\n%s%n"][place % 4] : "c\(place)"
  }
}

extension RawParameter {
  /// - parameter inputs: How many numbers a parameter for each input gets.
  init(_ name: String, _ value: ParameterValue, perInput inputs: Int?) {
    if case .number(let number) = value, let inputs {
      self.init(name, .numbers(Array(repeating: number, count: inputs)))
      self.number = number
    } else {
      self.init(name, value)
    }
  }
}
