import Foundation
import JSON
import Merging
import PluginHost
import PluginProjects
import TestSupport
import Testing
import clues

/// The examples in four languages are projects like those that `clues plugins new` writes, and tell the same.
@Suite(.serialized) struct ExampleTests {
  /// The self-test, and all checks of `clues plugins check`.
  @Test(arguments: Language.allCases) func `passes make test`(_ language: Language) throws {
    let project = try Project.example(language)
    #expect(
      try String(contentsOf: project.folder.appending(path: "build/result.txt"), encoding: .utf8) == project.expected)
  }

  @Test(arguments: Language.allCases) func `shows one symbol and stays loaded`(_ language: Language) throws {
    let project = try Project.example(language)
    #expect(try project.exportedSymbols() == ["clues_plugin_entry_v1"])
    #expect(try output("readelf", ["-W", "-d", project.library]).contains("NODELETE"))
  }

  @Test(arguments: Language.allCases) func `needs no runtime that the user may lack`(_ language: Language) throws {
    let dynamic = try output("readelf", ["-W", "-d", try Project.example(language).library])
    let needed = dynamic.matches(of: /\(NEEDED\).*\[(.*)\]/).map { String($0.output.1) }
    let system: Set = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2"]
    #expect(Set(needed).isSubset(of: system), "\(needed)")
  }

  @Test(arguments: Language.allCases) func `carries its manifest`(_ language: Language) throws {
    let project = try Project.example(language)
    try withTemporaryFolder { folder in
      let section = folder.appending(path: "section").path
      _ = try output("objcopy", ["--dump-section", "clues_manifest=" + section, project.library, "/dev/null"])
      let manifest = try JSONReader().read(String(contentsOf: URL(filePath: section), encoding: .utf8)).objectValue
      #expect(manifest?["schema"] == .string("clues/plugin-manifest/1"))
      #expect(manifest?["name"] == .string("agreement"))
    }
  }

  @Test(arguments: Language.allCases) func `says the same of itself`(_ language: Language) throws {
    let (library, other) = (try Project.example(language).loaded(), try Project.example(.c).loaded())
    #expect(library.entries.map(\.id) == ["agreement-mask", "validation-cosine"])
    #expect(library.name == "agreement")
    #expect(library.mergeMethods[0].spaces == [.core, .delta])
    for (entry, other) in zip(library.entries, other.entries) {
      #expect(entry.summary == other.summary)
      #expect(entry.details == other.details)
      #expect(entry.reference == other.reference)
      #expect(entry.parameters.json.text(sorted: true) == other.parameters.json.text(sorted: true))
    }
  }

  @Test(arguments: Language.allCases) func `gives what its self-test expects`(_ language: Language) throws {
    let project = try Project.example(language)
    #expect(try project.selfTest() == project.expected)
    #expect(try project.expected == Project.example(.c).expected)
  }
}
