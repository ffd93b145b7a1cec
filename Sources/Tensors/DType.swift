/// The element types of a safetensors file, by their names there and in the order in which the reference implementation
/// lays tensors out.
public enum DType: String, Sendable, CaseIterable {
  case u64 = "U64"
  case i64 = "I64"
  case f64 = "F64"
  case f32 = "F32"
  case u32 = "U32"
  case i32 = "I32"
  case bf16 = "BF16"
  case f16 = "F16"
  case u16 = "U16"
  case i16 = "I16"
  case f8e4m3 = "F8_E4M3"
  case f8e5m2 = "F8_E5M2"
  case i8 = "I8"
  case u8 = "U8"
  case bool = "BOOL"

  /// Bytes per element.
  public var size: Int {
    switch self {
    case .f64, .i64, .u64: 8
    case .f32, .i32, .u32: 4
    case .f16, .bf16, .i16, .u16: 2
    case .f8e4m3, .f8e5m2, .i8, .u8, .bool: 1
    }
  }

  /// Whether an adapter may be stored in it: the floats that Clues converts to and from.
  public var isAdapterFloat: Bool { [.f64, .f32, .f16, .bf16].contains(self) }

  /// PyTorch's name.
  public var torchName: String {
    switch self {
    case .f64: "float64"
    case .f32: "float32"
    case .f16: "float16"
    case .bf16: "bfloat16"
    case .f8e4m3: "float8_e4m3fn"
    case .f8e5m2: "float8_e5m2"
    case .i64: "int64"
    case .i32: "int32"
    case .i16: "int16"
    case .i8: "int8"
    case .u64: "uint64"
    case .u32: "uint32"
    case .u16: "uint16"
    case .u8: "uint8"
    case .bool: "bool"
    }
  }

  /// The dtype by PyTorch's name for it (`bfloat16`) or the one in safetensors (`BF16`).
  public init?(name: String) {
    guard
      let found = Self.allCases.first(where: { $0.torchName == name.lowercased() || $0.rawValue == name.uppercased() })
    else { return nil }
    self = found
  }
}
