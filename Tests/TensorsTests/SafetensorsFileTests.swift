import Diagnostics
import Foundation
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsFileTests {
  /// A file with this header and this many bytes of data.
  func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> Bytes {
    let text = Array(header.utf8)
    let prefix = withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Array($0) }
    return Bytes(prefix + text + [UInt8](repeating: 0, count: data))
  }

  func failure(_ bytes: Bytes) -> Failure? {
    #expect(throws: Failure.self) { try SafetensorsFile(bytes) }
  }

  @Test func readsWhatTheReferenceWrote() throws {
    let path = fixture("safetensors/every-dtype.safetensors")
    let file = try SafetensorsFile(Bytes(mapping: path))
    #expect(file.metadata == ["format": "pt"])
    #expect(file.tensors.count == 3 * DType.allCases.count)
    #expect(Set(file.names) == Set(file.tensors.keys))
    for dtype in DType.allCases {
      let tensor = try #require(file.tensors["b.\(dtype.torchName)"])
      #expect(tensor.dtype == dtype)
      #expect(tensor.shape == [2, 3])
      #expect(tensor.count == 6)
      let expected = (0..<(6 * dtype.size)).map { UInt8((7 * $0 + dtype.size) % 2) }
      #expect(tensor.bytes.withUnsafeBytes { Array($0) } == expected)
      #expect(file.tensors["B.\(dtype.torchName)"]?.count == 0)
    }
    #expect(file.tensors["quoted \"name\" \\ ü"]?.dtype == .f32)
  }

  @Test func lendsTheBytesOfTheFile() throws {
    let bytes = try Bytes(mapping: fixture("safetensors/every-dtype.safetensors"))
    let file = try SafetensorsFile(bytes)
    let offsets = DType.allCases.compactMap { file.tensors["b.\($0.torchName)"]?.bytes.offset(in: bytes) }
    #expect(offsets.count == DType.allCases.count)
    #expect(Set(offsets).count == offsets.count)
  }

  @Test func readsAnEmptyFile() throws {
    #expect(try SafetensorsFile(file("{}")).tensors.isEmpty)
    #expect(try SafetensorsFile(file("{}      ")).tensors.isEmpty)
    #expect(try SafetensorsFile(file(#"{"__metadata__": {}}"#)).metadata.isEmpty)
  }

  @Test func refusesFilesThatAreNoSafetensors() {
    #expect(failure(Bytes([1, 2, 3]))?.message == "is too short for a safetensors file")
    #expect(failure(Bytes([]))?.message == "is too short for a safetensors file")
    #expect(
      failure(file("{}", length: 100_000_001))?.message
        == "claims a header of 100000001 bytes but ends after 10")
    #expect(
      failure(file("{}", length: .max))?.message
        == "claims a header of 18446744073709551615 bytes; this is not a safetensors file")
    #expect(failure(file("{}", length: 50))?.message == "claims a header of 50 bytes but ends after 10")
    #expect(failure(file("{}", length: 0))?.message.contains("does not start with a brace") == true)
    #expect(failure(file(" {}"))?.message.contains("does not start with a brace") == true)
    #expect(failure(file("[]"))?.message.contains("does not start with a brace") == true)
    #expect(
      failure(file("{\"a\"}"))?.message == "its safetensors header cannot be read: expected ':' after the key")
    #expect(failure(file("{} x"))?.message.contains("unexpected text after the end") == true)
    #expect(
      failure(file(#"{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, "a": {}}"#, data: 1))?.message
        == "its safetensors header cannot be read: duplicate key 'a'")
  }

  @Test(arguments: [
    (#"{"__metadata__": 1}"#, 0, "its safetensors __metadata__ is not an object"),
    (
      #"{"__metadata__": {"a": 1}}"#, 0, "its safetensors __metadata__ has a number under 'a' instead of a string"
    ),
    (#"{"t": 1}"#, 0, "its header entry is not an object"),
    (#"{"t": {"shape": [1], "data_offsets": [0, 4]}}"#, 4, "its header entry has no dtype"),
    (#"{"t": {"dtype": 1, "shape": [1], "data_offsets": [0, 4]}}"#, 4, "its header entry has no dtype"),
    (#"{"t": {"dtype": "F4", "shape": [1], "data_offsets": [0, 4]}}"#, 4, "has the unknown dtype 'F4'"),
    (#"{"t": {"dtype": "F32", "data_offsets": [0, 4]}}"#, 4, "its shape is not a list of sizes"),
    (#"{"t": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}"#, 4, "its shape is not a list of sizes"),
    (#"{"t": {"dtype": "F32", "shape": [0.5], "data_offsets": [0, 4]}}"#, 4, "its shape is not a list of sizes"),
    (#"{"t": {"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}}"#, 4, "its shape is not a list of sizes"),
    (#"{"t": {"dtype": "F32", "shape": [1]}}"#, 4, "its data_offsets are not two numbers"),
    (#"{"t": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}"#, 4, "its data_offsets are not two numbers"),
    (#"{"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}}"#, 4, "its data_offsets are not two numbers"),
    (
      #"{"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}"#, 4,
      "its bytes 0..8 are outside the 4 in the file"
    ),
    (
      #"{"t": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}"#, 4,
      "its bytes -4..0 are outside the 4 in the file"
    ),
    (
      #"{"t": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}"#, 4,
      "its bytes 4..0 are outside the 4 in the file"
    ),
    (
      #"{"t": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}"#, 4,
      "its shape [2] of F32 takes 8 bytes, but it has 4"
    ),
    (
      #"{"t": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 4]}}"#, 4,
      "its shape [4611686018427387904, 4] is larger than any memory"
    ),
    (
      #"{"t": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], "x": 0}}"#, 4,
      "its header entry has an unknown member 'x'"
    ),
    (
      #"{"t": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}"#, 2,
      "its bytes start at 1, which leaves a gap before it"
    ),
    (
      #"{"s": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "t": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}"#,
      3, "its bytes start at 1, which overlaps the one before it"
    ),
    (
      #"{"s": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, "t": {"dtype": "U8", "shape": [1], "data_offsets": [2, 3]}}"#,
      3, "its bytes start at 2, which leaves a gap before it"
    ),
    (#"{"t": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}"#, 3, "has 2 bytes that belong to no tensor"),
    (#"{}"#, 1, "has 1 bytes that belong to no tensor"),
  ])
  func refusesBrokenEntries(_ header: String, _ data: Int, _ message: String) {
    let failure = failure(file(header, data: data))
    #expect(failure?.message == message)
    #expect(failure?.kind == .badData)
    #expect(failure?.tensor == (message.contains("metadata") || message.contains("no tensor") ? nil : "t"))
  }

  @Test func everyTruncationIsAFailure() throws {
    let whole = try Data(contentsOf: URL(filePath: fixture("peft/adapters/r4/adapter_model.safetensors")))
    for count in [0, 7, 8, 9, 100, whole.count / 2, whole.count - 1] {
      #expect(failure(Bytes(whole.prefix(count)))?.kind == .badData)
    }
    #expect(failure(Bytes(whole + [0]))?.message == "has 1 bytes that belong to no tensor")
  }
}
