/// How much a file from outside may demand before it is refused: settings, each with a name, a meaning and a default.
///
/// The defaults fit any honest run of a LoRA fine-tune. The raw value is the name that users write.
public enum Limit: String, Sendable, CaseIterable {
  case entries
  case entrySize = "entry_size"
  case totalSize = "total_size"
  case ratio
  case ratioFloor = "ratio_floor"
  case pathLength = "path_length"
  case pathDepth = "path_depth"
  case memory
  case jsonSize = "json_size"
  case jsonDepth = "json_depth"
  case jsonValues = "json_values"
  case lineSize = "line_size"
  case headerSize = "header_size"
  case records
  case directorySize = "directory_size"
  case pickleSize = "pickle_size"
  case pickleOperations = "pickle_operations"
  case patternSteps = "pattern_steps"
  case ledgerColumns = "ledger_columns"
  case ledgerValues = "ledger_values"
  case recipeSize = "recipe_size"
  case recipeDepth = "recipe_depth"
  case recipeValues = "recipe_values"
  case recipeText = "recipe_text"

  /// What it counts.
  public var meaning: String {
    switch self {
    case .entries: "files and folders of a bundle"
    case .entrySize: "bytes of one file of a bundle, decoded"
    case .totalSize: "bytes of all files of an archive, decoded, wanted or not"
    case .ratio: "decoded bytes for each byte of an archive"
    case .ratioFloor: "decoded bytes up to which the ratio does not apply"
    case .pathLength: "bytes of a path in a bundle"
    case .pathDepth: "folders in a path"
    case .memory: "bytes of decoded files of one archive in memory; the rest goes to temporary files"
    case .jsonSize: "bytes of one JSON file of a bundle"
    case .jsonDepth: "nesting depth of lists and objects in JSON"
    case .jsonValues: "values in one JSON text"
    case .lineSize: "bytes of one line of a JSON Lines file"
    case .headerSize: "bytes of the header of a safetensors file"
    case .records: "records in optimizer.pt"
    case .directorySize: "bytes of the directory of a zip, optimizer.pt included"
    case .pickleSize: "bytes of the pickle in optimizer.pt, which holds no elements"
    case .pickleOperations: "operations of the pickle in optimizer.pt; about seventy per parameter"
    case .patternSteps: "steps of matching the patterns of adapter_config.json against the modules"
    case .ledgerColumns: "columns of a ledger"
    case .ledgerValues: "values of a ledger: samples × columns × checkpoints"
    case .recipeSize: "bytes of a recipe"
    case .recipeDepth: "nesting depth of lists and mappings in a recipe"
    case .recipeValues: "values of a recipe after every alias is expanded"
    case .recipeText: "bytes of all texts of a recipe after every alias is expanded"
    }
  }

  /// The default.
  public var byDefault: Int {
    switch self {
    case .entries: 10_000
    case .entrySize: 16 << 30
    case .totalSize: 64 << 30
    case .ratio: 200
    case .ratioFloor: 64 << 20
    case .pathLength: 1024
    case .pathDepth: 16
    case .memory: 16 << 20
    case .jsonSize: 64 << 20
    case .jsonDepth: 64
    case .jsonValues: 4_000_000
    case .lineSize: 16 << 20
    case .headerSize: 100_000_000
    case .records: 1_000_000
    case .directorySize: 256 << 20
    case .pickleSize: 64 << 20
    case .pickleOperations: 1_000_000
    case .patternSteps: 500_000_000
    case .ledgerColumns: 256
    case .ledgerValues: 50_000_000
    case .recipeSize: 1 << 20
    case .recipeDepth: 32
    case .recipeValues: 100_000
    case .recipeText: 8 << 20
    }
  }

  /// Whether it counts bytes, so that it may be written with a unit.
  public var isSize: Bool {
    switch self {
    case .entrySize, .totalSize, .ratioFloor, .pathLength, .memory, .jsonSize, .lineSize, .headerSize, .directorySize,
      .pickleSize, .recipeSize, .recipeText:
      true
    default: false
    }
  }

  /// Whether it applies to recipes, so that a recipe cannot set it.
  public var isOfRecipes: Bool {
    switch self {
    case .recipeSize, .recipeDepth, .recipeValues, .recipeText: true
    default: false
    }
  }

  /// The largest value that may be set: stacks are finite, even for trusted files.
  public var maximum: Int {
    switch self {
    case .jsonDepth, .recipeDepth: 64
    default: .max
    }
  }

  /// The units of sizes.
  public static let units: [(name: String, bytes: Int)] = [
    ("B", 1), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]

  /// Reads a value as users write it: a whole number, for sizes with an optional unit (`4GiB`, `100MB`).
  public func value(of text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { return nil }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    if digits.count == text.count { return number <= maximum ? number : nil }
    guard isSize, let factor = Self.units.first(where: { $0.name == unit })?.bytes else { return nil }
    let (value, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow || value > maximum ? nil : value
  }

  /// A description of valid values, for messages.
  public var due: String {
    let most = maximum == .max ? "" : " of at most \(maximum)"
    return isSize ? "a number of bytes such as 4GiB or 100MB" : "a whole number\(most)"
  }

  /// A value as users write it, in the largest unit of which it is a multiple.
  public func text(of value: Int) -> String {
    guard isSize, value > 0 else { return "\(value)" }
    let unit = Self.units.filter { $0.bytes >= 1 << 20 || $0.bytes == 1_000_000 }.last { value % $0.bytes == 0 }
    return unit.map { "\(value / $0.bytes)\($0.name)" } ?? "\(value)"
  }
}

/// The limits for one reading.
public struct Limits: Sendable, Equatable {
  private var chosen: [Limit: Int] = [:]

  /// The defaults.
  public init() {}

  /// The maximum of every limit, for files that Clues wrote itself.
  public static let none = Limit.allCases.reduce(into: Limits()) { $0[$1] = $1.maximum }

  public subscript(limit: Limit) -> Int {
    get { chosen[limit] ?? limit.byDefault }
    set { chosen[limit] = newValue }
  }
}

extension Failure {
  /// The failure of a file that exceeds a limit; its advice says which setting raises it.
  public init(beyond limit: Limit, _ message: String, kind: Kind = .badData) {
    let recipe = limit.isOfRecipes ? "" : ", or 'limits' in a recipe"
    self.init(
      kind, message,
      advice: "raise the limit '\(limit.rawValue)' (--limit \(limit.rawValue)=N\(recipe)) if you trust its source")
  }
}
