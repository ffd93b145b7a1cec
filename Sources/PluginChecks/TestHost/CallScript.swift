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

/// A parameter as it is passed, valid or not.
struct RawParameter {
  var name: String
  var type: clues_parameter_type
  var number = 0.0
  var integer: Int64 = 0
  var text: String?
  var numbers: [Double] = []
  var isDefault = false

  init(_ name: String, _ type: clues_parameter_type) {
    self.name = name
    self.type = type
  }

  /// - parameter inputs: How many numbers a parameter for each input gets.
  init(_ name: String, _ value: ParameterValue, perInput inputs: Int?) {
    self.name = name
    switch value {
    case .number(let number):
      (type, self.number) = (CLUES_PARAMETER_NUMBER, number)
      if let inputs { (type, numbers) = (CLUES_PARAMETER_NUMBERS, Array(repeating: number, count: inputs)) }
    case .integer(let integer):
      (type, self.integer, number) = (CLUES_PARAMETER_INTEGER, Int64(integer), Double(integer))
    case .boolean(let flag): (type, integer) = (CLUES_PARAMETER_BOOLEAN, flag ? 1 : 0)
    case .text(let text): (type, self.text) = (CLUES_PARAMETER_TEXT, text)
    case .numbers(let numbers): (type, self.numbers) = (CLUES_PARAMETER_NUMBERS, numbers)
    }
  }
}

extension TestHost {
  /// The table that `create` receives.
  func lend(_ parameters: [RawParameter]) -> UnsafePointer<clues_parameters> {
    let items = parameters.sorted { $0.name < $1.name }.map { parameter -> UnsafePointer<clues_parameter>? in
      var item = clues_parameter()
      item.struct_size = CLUES_PARAMETER_SIZE
      item.type = parameter.type
      item.flags = parameter.isDefault ? CLUES_PARAMETER_DEFAULTED.rawValue : 0
      item.name = lend(parameter.name, until: .call)
      item.number = parameter.number
      item.integer = parameter.integer
      item.text = parameter.text.map { lend($0, until: .call) }
      item.count = UInt32(parameter.numbers.count)
      if !parameter.numbers.isEmpty { item.numbers = UnsafePointer(lend("numbers", parameter.numbers, until: .call)) }
      return lend("a parameter", item, until: .call)
    }
    var table = clues_parameters()
    table.struct_size = CLUES_PARAMETERS_SIZE
    table.count = UInt32(items.count)
    table.items = UnsafePointer(lend("the list of parameters", items, until: .call))
    return lend("the parameters", table, until: .call)
  }
}
