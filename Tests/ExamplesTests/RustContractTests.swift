import Foundation
import TestSupport
import Testing

/// The contract as the Rust projects have it is that of the header.
@Suite struct RustContractTests {
  /// `std::mem::offset_of!` as compilers older than 1.77 have it.
  private static let offset = """
    macro_rules! offset { ($table:ty, $field:ident) => {{
        let table = std::mem::MaybeUninit::<$table>::uninit();
        unsafe { std::ptr::addr_of!((*table.as_ptr()).$field) as usize - table.as_ptr() as usize }
    }} }
    """

  @Test func `every field lies where Documentation/abi-v1.layout says, and every constant is the same`() throws {
    let layout = try String(contentsOf: repository.appending(path: "Documentation/abi-v1.layout"), encoding: .utf8)
    let contract = try String(
      contentsOf: repository.appending(path: "Templates/plugins/rust/clues.rs"), encoding: .utf8)
    var lines: [String] = []
    var name = ""
    for line in layout.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if line.hasPrefix("  ") {
        let field = words[0] == "type" ? "r#type" : words[0]
        lines.append("assert_eq!(offset!(\(name), \(field)), \(words[1]), \"\(name).\(field)\");")
      } else if words.count == 3 {
        name = words[0]
        lines.append("assert_eq!(std::mem::size_of::<\(name)>(), \(words[1]), \"\(name)\");")
      } else {
        lines.append("assert_eq!(\(words[0]) as u64, \(words[1]), \"\(words[0])\");")
      }
    }
    #expect(lines.count > 200)
    try withTemporaryFolder { folder in
      try Data(contract.utf8).write(to: folder.appending(path: "clues.rs"))
      let program = "mod clues;\nuse clues::*;\n\(Self.offset)\nfn main() {\n\(lines.joined(separator: "\n"))\n}\n"
      try Data(program.utf8).write(to: folder.appending(path: "main.rs"))
      let binary = folder.appending(path: "main").path
      _ = try output(debiansRustc, ["--edition", "2021", folder.appending(path: "main.rs").path, "-o", binary])
      _ = try output(binary, [])
    }
  }
}
