import CluesPluginABI
import Foundation
import TestSupport
import Testing

/// The layout of clues_plugin.h is what it was, whoever reads it.
@Suite struct LayoutTests {
  static let source = "Tests/Fixtures/plugins/layout.c"
  static let regenerate = """
    the layout is not that of Documentation/abi-v1.layout. Fields may only be appended. If that is what you did:
      cc -std=c11 -I Sources/CluesPluginABI/include \(source) -o layout && ./layout > Documentation/abi-v1.layout
    """

  func committed() throws -> String {
    try String(contentsOf: repository.appending(path: "Documentation/abi-v1.layout"), encoding: .utf8)
  }

  func header() throws -> String {
    try String(
      contentsOf: repository.appending(path: "Sources/CluesPluginABI/include/clues_plugin.h"), encoding: .utf8)
  }

  @Test(arguments: Compiler.allCases) func isTheSameUnderEveryCompiler(_ compiler: Compiler) throws {
    guard compiler.isInstalled else { try Test.cancel("\(compiler.rawValue) is not installed") }
    try withTemporaryFolder { folder in
      let program = folder.appending(path: "layout").path
      try compiler.compile(repository.appending(path: Self.source).path, to: program)
      let result = try run(program)
      let committed = try committed()
      #expect(result.status == 0)
      #expect(result.output == committed, "\(Self.regenerate)")
    }
  }

  @Test func namesEveryStructAndConstantOfTheHeader() throws {
    let names = try Set(
      committed().split(separator: "\n").filter { !$0.hasPrefix(" ") }.map { $0.prefix { $0 != " " } })
    let header = try header()
    let structs = header.matches(of: /typedef\sstruct\s(clues_[a-z_]+)\s\{/).map(\.output.1)
    let constants = header.matches(of: /\b(CLUES_[A-Z0-9_]+)\s=/).map(\.output.1)
    #expect(structs.count == 20)
    #expect(constants.count > 40)
    for name in structs + constants { #expect(names.contains(name), "\(name) is missing in \(Self.source)") }
  }

  @Test func isTheSameInSwift() {
    #expect(MemoryLayout<clues_tensor>.size == Int(CLUES_TENSOR_SIZE))
    #expect(MemoryLayout<clues_parameter>.size == Int(CLUES_PARAMETER_SIZE))
    #expect(MemoryLayout<clues_host>.size == Int(CLUES_HOST_SIZE))
    #expect(MemoryLayout<clues_merge_unit>.size == Int(CLUES_MERGE_UNIT_SIZE))
    #expect(MemoryLayout<clues_merge_method>.size == Int(CLUES_MERGE_METHOD_SIZE))
    #expect(MemoryLayout<clues_checkpoint>.size == Int(CLUES_CHECKPOINT_SIZE))
    #expect(MemoryLayout<clues_scorer>.size == Int(CLUES_SCORER_SIZE))
    #expect(MemoryLayout<clues_plugin>.size == Int(CLUES_PLUGIN_SIZE))
    #expect(MemoryLayout<clues_checkpoint>.offset(of: \.columns) == 136)
    #expect(MemoryLayout<clues_merge_method>.offset(of: \.combine) == 88)
  }

  @Test(arguments: Compiler.allCases) func theHeaderNeedsNothingElse(_ compiler: Compiler) throws {
    guard compiler.isInstalled else { try Test.cancel("\(compiler.rawValue) is not installed") }
    try withTemporaryFolder { folder in
      let source = folder.appending(path: "only.c").path
      try Data("#include \"clues_plugin.h\"\n#include \"clues_plugin.h\"\n".utf8).write(to: URL(filePath: source))
      try compiler.compile(source, to: folder.appending(path: "only.o").path, ["-c"])
    }
  }
}
