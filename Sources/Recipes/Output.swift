extension Recipe {
  /// Where the run's directory goes and what the adapter in it looks like.
  public struct Output: Sendable {
    /// Path of the run's directory as written; ``Recipe/path(_:)`` resolves it.
    public var path: Located<String>?
    /// The name of what is written; whoever writes it knows which there are. Nil for what the path's ending asks for.
    public var format: Located<String>?
    /// The base model as written, for formats that depend on it; ``Recipe/path(_:)`` resolves it.
    public var base: Located<String>?
    public var dtype = Located(Precision.auto)
    /// The layout of the modules' ranks; nil for one rank if that costs little.
    public var rankLayout: Located<RankLayout>?
  }

  /// The layout of the ranks of the merged adapter's modules.
  public enum RankLayout: String, Choice {
    case uniform
    case exact

    var meaning: String {
      switch self {
      case .uniform: "one rank everywhere, A and B padded with zeros, as llama.cpp and vLLM expect"
      case .exact: "every module with the rank it needs"
      }
    }
  }

  /// The type of the merged adapter's numbers.
  public enum Precision: String, Choice {
    case auto
    case float32
    case float16
    case bfloat16

    var meaning: String {
      switch self {
      case .auto: "the type of the inputs, or float32 if they differ"
      case .float32: "32 bits"
      case .float16: "16 bits, IEEE half precision"
      case .bfloat16: "16 bits with the range of float32"
      }
    }

    /// What PyTorch, safetensors and other tools call it.
    var otherNames: [String] {
      switch self {
      case .auto: []
      case .float32: ["fp32", "f32", "float", "torch.float32", "torch.float", "single"]
      case .float16: ["fp16", "f16", "half", "torch.float16", "torch.half"]
      case .bfloat16: ["bf16", "torch.bfloat16"]
      }
    }

    /// The type that another program calls `name`; nil for a name of our own.
    public init?(nameElsewhere name: String) {
      guard let type = Self.allCases.first(where: { $0.otherNames.contains(name.lowercased()) }) else { return nil }
      self = type
    }
  }
}

extension Recipe.Output: ObjectSchema {
  static let title = "Output"

  static let fields: [FieldSchema<Self>] = [
    .key(
      "path", \.path, .path, "Where the run's directory goes, relative to the recipe's folder.",
      absent: { _ in "runs/<recipe>, unless the command line says otherwise" }),
    .key(
      "format", \.format, .formatName,
      "What is written: 'peft', a folder that PEFT loads, 'archive', a PEFT folder packed into one file, or 'gguf', "
        + "a folder with a file that llama.cpp loads. By default the output's file name extension decides.",
      absent: { _ in "what the output's file name extension says" }),
    .key(
      "base", \.base, .path,
      "The base model for the format 'gguf': the folder of a Hugging Face model, its config.json, or a GGUF file."),
    .key("dtype", \.dtype, .choice, "The type of the merged adapter's numbers."),
    .key(
      "rank_layout", \.rankLayout, .choice,
      "The layout of the modules' ranks. By default uniform if that adds less than 10 % more parameters.",
      absent: { _ in "uniform if that adds less than 10 % more parameters, else exact" }),
  ]
}
