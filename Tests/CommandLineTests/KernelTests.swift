import CLinux
import Foundation
import JSON
import TestSupport
import Testing

/// Which kernels a run works with is chosen well, and said.
@Suite struct KernelTests {
  /// Compiles the library that makes OpenBLAS take this processor for an old one.
  private func pretending(_ folder: URL, _ options: [String] = []) throws -> [String: String] {
    let library = folder.appending(path: "pretend.so").path
    let result = try clues(
      ["-O1", "-shared", "-fPIC"] + options + [fixture("plugins/pretend.c"), "-lopenblas", "-o", library], in: folder,
      executable: "/usr/bin/gcc")
    try #require(result.status == 0, "\(result.errors)")
    return ["LD_PRELOAD": library]
  }

  private func merge(
    _ folder: URL, to output: String, _ environment: [String: String]
  ) throws -> (record: JSONObject, errors: String) {
    let result = try clues(
      ["merge", fixture("peft/adapters/a"), fixture("peft/adapters/b"), "--method", "ties", "-o", output], in: folder,
      environment: environment)
    try #require(result.status == 0, "\(result.errors)")
    let text = try String(contentsOf: folder.appending(path: output + "/clues/run.json"), encoding: .utf8)
    let record = try #require(try JSONReader().read(text).objectValue?["openblas"]?.objectValue)
    return (record, result.errors)
  }

  @Test(.enabled(if: clues_vector_level() > 0)) func anOldChoiceIsMendedAndSaid() throws {
    try withTemporaryFolder { folder in
      let old = try pretending(folder)
      let (record, _) = try merge(folder, to: "mended", old)
      let expected = ["", "Sandybridge", "Haswell", "SkylakeX"][Int(clues_vector_level())]
      #expect(record["found"] == "Prescott")
      #expect(record["core"] == .string(expected))
      #expect(record["chosen_by"] == "clues")
      #expect(record["version"]?.stringValue?.contains(".") == true)
      let version = try clues(["--version", "--verbose"], in: folder, environment: old)
      #expect(
        version.output.contains(
          "with kernels for \(expected) (chosen by Clues; OpenBLAS took this processor for Prescott)\n"),
        "\(version.output)")
      // Named by the user, the same kernels give the same bytes.
      _ = try merge(folder, to: "named", ["OPENBLAS_CORETYPE": expected])
      let bytes = try ["mended", "named"].map {
        try Data(contentsOf: folder.appending(path: $0 + "/adapter_model.safetensors"))
      }
      #expect(bytes[0] == bytes[1])
    }
  }

  @Test func theUsersChoiceIsLeftAlone() throws {
    try withTemporaryFolder { folder in
      let (record, _) = try merge(
        folder, to: "out", try pretending(folder).merging(["OPENBLAS_CORETYPE": "Prescott"]) { $1 })
      #expect(record["core"] == "Prescott")
      #expect(record["chosen_by"] == "OPENBLAS_CORETYPE")
    }
  }

  @Test(.enabled(if: clues_vector_level() > 0)) func kernelsThatGiveWrongProductsAreGivenUpAndThatIsSaid() throws {
    try withTemporaryFolder { folder in
      let (record, errors) = try merge(folder, to: "out", try pretending(folder, ["-DWRONG"]))
      #expect(record["core"] == "Prescott")
      #expect(record["chosen_by"] == "openblas")
      #expect(
        errors.contains("give wrong products on this processor; the slower ones for Prescott are used"), "\(errors)")
    }
  }

  @Test func theVersionAloneIsShort() throws {
    #expect(try clues(["--version"]).output == "0.1.0\n")
    let verbose = try clues(["--verbose", "--version"])
    #expect(verbose.status == 0)
    #expect(verbose.output.hasPrefix("clues 0.1.0\nOpenBLAS "))
    #expect(verbose.output.contains("\nlibarchive 3."))
    #expect(verbose.output.contains("\nown kernels for "))
  }
}
