import Diagnostics
import Tensors

/// The content of SentencePiece's `tokenizer.model`. Fields: sentencepiece_model.proto.
struct SentencePieceFile {
  private(set) var vocabulary = PieceVocabulary(pieces: [])
  private(set) var beginOfText = Array("<s>".utf8)
  private(set) var endOfText = Array("</s>".utf8)

  /// 1 is Unigram, the default.
  private var modelType: UInt64 = 1
  private var removesExtraBlanks = true
  private var escapesBlanks = true
  private var fallsBackToBytes = false

  /// - throws: ``Failure`` for a file that is broken, and for unsupported settings.
  init(_ bytes: Bytes) throws {
    try bytes.withUnsafeBytes { bytes in
      var reader = ProtobufReader(bytes)
      while let (field, value) = try reader.next() {
        switch field {
        case 1: try readPiece(value.message("a piece"))
        case 2: try readTraining(value.message("settings of training"))
        case 3: try readNormalization(value.message("settings of normalization"))
        case 5: try refuseMap(value.message("settings of denormalization"))
        default: break
        }
      }
    }
    guard modelType == 2 else {
      let names: [UInt64: String] = [1: "Unigram", 3: "Word", 4: "Char"]
      throw Failure(
        .badData, "is a model of the type \(names[modelType] ?? "\(modelType)"), which is not understood",
        advice: "only SentencePiece models of the type BPE are supported")
    }
    if removesExtraBlanks {
      throw Failure(.badData, "sets 'remove_extra_whitespaces', which is not understood")
    }
    if !escapesBlanks { throw Failure(.badData, "unsets 'escape_whitespaces', which is not understood") }
    guard fallsBackToBytes == vocabulary.pieces.contains(where: { $0.kind == .byte }) else {
      throw Failure(.badData, "has a 'byte_fallback' that contradicts its pieces")
    }
  }

  private mutating func readPiece(_ message: ProtobufReader) throws {
    var message = message
    var piece = PieceVocabulary.Piece(content: [], score: 0, kind: .normal)
    while let (field, value) = try message.next() {
      switch (field, value) {
      case (1, _): piece.content = try value.text("a piece")
      case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      case (3, _):
        let number = try value.number("a type of piece")
        guard let kind = Int(exactly: number).flatMap(PieceVocabulary.Kind.init(rawValue:)) else {
          throw Failure(.badData, "has a piece of the type \(number), which is not understood")
        }
        piece.kind = kind
      default: break
      }
    }
    guard !piece.content.isEmpty else { throw Failure(.badData, "has an empty piece") }
    vocabulary.pieces.append(piece)
  }

  private mutating func readTraining(_ message: ProtobufReader) throws {
    var message = message
    while let (field, value) = try message.next() {
      switch field {
      case 3: modelType = try value.number("a type of model")
      case 24:
        if try value.number("a flag") != 0 {
          throw Failure(.badData, "sets 'treat_whitespace_as_suffix', which is not understood")
        }
      case 35: fallsBackToBytes = try value.number("a flag") != 0
      case 46: beginOfText = try value.text("a token")
      case 47: endOfText = try value.text("a token")
      default: break
      }
    }
  }

  private mutating func readNormalization(_ message: ProtobufReader) throws {
    try refuseMap(message)
    var message = message
    while let (field, value) = try message.next() {
      switch field {
      case 3: vocabulary.addsPrefix = try value.number("a flag") != 0
      case 4: removesExtraBlanks = try value.number("a flag") != 0
      case 5: escapesBlanks = try value.number("a flag") != 0
      default: break
      }
    }
  }

  /// Refuses tables that replace characters (`nmt_nfkc` and others); only `identity` has none.
  private func refuseMap(_ message: ProtobufReader) throws {
    var message = message
    var name = ""
    while let (field, value) = try message.next() {
      if field == 1 { name = String(decoding: try value.text("a name"), as: UTF8.self) }
      if case (2, .bytes(let map)) = (field, value), !map.isEmpty {
        throw Failure(.badData, "normalizes texts by the table '\(name)', which is not understood")
      }
    }
  }
}
