import Diagnostics
import Tensors
import TestSupport
import Testing

@Suite struct SafetensorsAttackTests {
  /// A file with this header and so many bytes of data.
  static func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    little(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + [UInt8](repeating: 0, count: data)
  }

  static func entry(_ shape: String, _ offsets: String, dtype: String = "F32", name: String = "t") -> String {
    #"{"\#(name)": {"dtype": "\#(dtype)", "shape": \#(shape), "data_offsets": \#(offsets)}}"#
  }

  static let attacks: [Attack] = [
    Attack("nothing", "is too short for a safetensors file") { [] },
    Attack("seven bytes", "is too short for a safetensors file") { [1, 0, 0, 0, 0, 0, 0] },
    Attack("header of no bytes", "does not start with a brace") { file("", data: 0, length: 0) },
    Attack("header beyond the file", "claims a header of 4096 bytes but ends after 10") { file("{}", length: 4096) },
    Attack("header beyond any file", "this is not a safetensors file") { file("{}", length: .max) },
    Attack("header that overflows", "this is not a safetensors file") { file("{}", length: UInt64(Int.max)) },
    Attack("header larger than the limit", "has a header of 100000001 bytes, more than the limit of 100000000") {
      little(UInt64(100_000_001)) + [UInt8](repeating: 0x20, count: 100_000_001)
    },
    Attack("spaces before the header", "does not start with a brace") { file(" {}") },
    Attack("a list for a header", "does not start with a brace") { file("[]") },
    Attack("two headers", "unexpected text after the end") { file("{}{}") },
    Attack("header that is not UTF-8", "is not valid UTF-8") {
      little(UInt64(7)) + Array("{\"".utf8) + [0xFF] + Array("\":1}".utf8)
    },
    Attack("header that nests", "nested deeper than 64 levels") {
      file(#"{"t": "# + String(repeating: "[", count: 100_000))
    },
    Attack("NaN", "NaN is not a JSON number") { file(entry("[NaN]", "[0, 4]"), data: 4) },
    Attack("tensor twice", "duplicate key 't'") {
      file(
        #"{"t": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}, "t": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}"#,
        data: 2)
    },
    Attack("tensor twice, composed differently", "a key is spelled in two ways, '\\u{e9}' and 'e\\u{301}'") {
      file("{\"\u{E9}\": 1, \"e\u{301}\": 2}")
    },
    Attack("metadata twice", "duplicate key '__metadata__'") {
      file(#"{"__metadata__": {}, "__metadata__": {}}"#)
    },
    Attack("metadata that is a list", "__metadata__ is not an object") { file(#"{"__metadata__": []}"#) },
    Attack("metadata that nests", "__metadata__ has an object under 'a' instead of a string") {
      file(#"{"__metadata__": {"a": {}}}"#)
    },
    Attack("overlap", "overlaps the one before it", at: .tensor("b")) {
      file(
        #"{"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}}"#,
        data: 3)
    },
    Attack("the same bytes twice", "overlaps the one before it", at: .tensor("b")) {
      file(
        #"{"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "b": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}"#,
        data: 2)
    },
    Attack("hole", "leaves a gap before it", at: .tensor("t")) { file(entry("[1]", "[4, 8]"), data: 8) },
    Attack("trailing bytes", "has 4 bytes that belong to no tensor") { file(entry("[1]", "[0, 4]"), data: 8) },
    Attack("shape that overflows", "is larger than any memory", at: .tensor("t")) {
      file(entry("[4611686018427387904, 4611686018427387904]", "[0, 4]"), data: 4)
    },
    Attack("shape that overflows to nothing", "is larger than any memory", at: .tensor("t")) {
      file(entry("[4611686018427387904, 4, 0]", "[0, 0]"))
    },
    Attack("shape beyond 64 bits", "its shape is not a list of sizes", at: .tensor("t")) {
      file(entry("[18446744073709551616]", "[0, 4]"), data: 4)
    },
    Attack("negative size", "its shape is not a list of sizes", at: .tensor("t")) {
      file(entry("[-1]", "[0, 4]"), data: 4)
    },
    Attack("size with a fraction of nothing", "its shape is not a list of sizes", at: .tensor("t")) {
      file(entry("[1.0]", "[0, 4]"), data: 4)
    },
    Attack("a million axes", "has 1000000 axes", at: .tensor("t")) {
      file(entry("[" + Array(repeating: "1", count: 1_000_000).joined(separator: ",") + "]", "[0, 4]"), data: 4)
    },
    Attack("offsets with a fraction of nothing", "its data_offsets are not two numbers", at: .tensor("t")) {
      file(entry("[1]", "[0, 4.0]"), data: 4)
    },
    Attack("negative offsets", "its bytes -4..0 are outside", at: .tensor("t")) {
      file(entry("[1]", "[-4, 0]"), data: 4)
    },
    Attack("offsets in the wrong order", "its bytes 4..0 are outside", at: .tensor("t")) {
      file(entry("[1]", "[4, 0]"), data: 4)
    },
    Attack("offsets beyond the file", "its bytes 0..8 are outside", at: .tensor("t")) {
      file(entry("[2]", "[0, 8]"), data: 4)
    },
    Attack("offsets at the end of numbers", "are outside", at: .tensor("t")) {
      file(entry("[1]", "[9223372036854775803, 9223372036854775807]"), data: 4)
    },
    Attack("three offsets", "its data_offsets are not two numbers", at: .tensor("t")) {
      file(entry("[1]", "[0, 4, 4]"), data: 4)
    },
    Attack("more bytes than the shape takes", "takes 4 bytes, but it has 8", at: .tensor("t")) {
      file(entry("[1]", "[0, 8]"), data: 8)
    },
    Attack("dtype of nobody", "has the unknown dtype 'F4'", at: .tensor("t")) {
      file(entry("[1]", "[0, 4]", dtype: "F4"), data: 4)
    },
    Attack("dtype in small letters", "has the unknown dtype 'f32'", at: .tensor("t")) {
      file(entry("[1]", "[0, 4]", dtype: "f32"), data: 4)
    },
    Attack("a megabyte of dtype", "has the unknown dtype", at: .tensor("t")) {
      file(entry("[1]", "[0, 4]", dtype: String(repeating: "F", count: 1 << 20)), data: 4)
    },
    Attack("name of combining marks", "more than 256 combining marks in a row") {
      file(entry("[1]", "[0, 4]", name: "e" + combiningMarks(1_000_000)), data: 4)
    },
    Attack("member that nobody knows", "has an unknown member 'x'", at: .tensor("t")) { file(#"{"t": {"x": 1}}"#) },
  ]

  @Test(arguments: attacks) func isRefused(_ attack: Attack) throws {
    try attack.expectRefusal { _ = try SafetensorsFile(Bytes($0)) }
    // The reader that goes piece by piece obeys the same rules.
    try attack.expectRefusal { _ = try SafetensorsStream(Bytes($0), name: "x") }
  }

  @Test func theLimitOfTheHeaderIsASetting() throws {
    let bytes = Bytes(Self.file("{}" + String(repeating: " ", count: 100)))
    var limits = Limits()
    limits[.headerSize] = 50
    let failure = try failure { try SafetensorsFile(bytes, limits: limits) }
    #expect(failure.message == "has a header of 102 bytes, more than the limit of 50")
    #expect(failure.advice?.contains("--limit header_size=N") == true)
    limits[.headerSize] = 102
    #expect(try SafetensorsFile(bytes, limits: limits).names.isEmpty)
  }
}
