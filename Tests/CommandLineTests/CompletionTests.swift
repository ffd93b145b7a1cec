import Foundation
import PluginHost
import TestSupport
import Testing

@Suite struct CompletionTests {
  /// What bash offers for a line, by the script that `make install` puts in place.
  private func complete(_ line: String, in folder: URL) throws -> [String] {
    let script = """
      source <('\(cluesExecutable)' --generate-completion-script bash)
      clues() { '\(cluesExecutable)' "$@"; }; export -f clues
      COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}; read -ra COMP_WORDS <<<"$COMP_LINE"
      [[ "$COMP_LINE" == *" " ]] && COMP_WORDS+=("")
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
      PATH="$(dirname '\(cluesExecutable)'):$PATH"
      _clues clues "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let result = try clues(["-c", script], in: folder, executable: "/bin/bash")
    return result.output.split(separator: "\n").map(String.init)
  }

  @Test func `plugins, their parameters and the language's words are completed`() throws {
    try withTemporaryFolder { (folder: URL) throws -> Void in
      #expect(try complete("clues merge a --method tr", in: folder) == ["trimmed-mean"])
      #expect(try complete("clues merge a --method ties -p di", in: folder).contains("divide=count"))
      #expect(try complete("clues merge a --method average -p di", in: folder) == [])
      #expect(try complete("clues score a --scorer ", in: folder).contains("perplexity"))
      #expect(try complete("clues select s.jsonl --threshold an", in: folder).contains("anchor-mean"))
      #expect(try complete("clues plugins show ot", in: folder) == ["otsu"])
      #expect(try complete("clues merge a --space d", in: folder) == ["delta"])
      #expect(FileManager.default.fileExists(atPath: folder.path + "/.cache/clues/catalog.json"))
    }
  }

  @Test func `the outline is kept until a library changes`() throws {
    try withTemporaryFolder { folder in
      let plugins = folder.appending(path: "plugins")
      try FileManager.default.createDirectory(at: plugins, withIntermediateDirectories: true)
      let library = plugins.appending(path: "libCluesPluginThresholds.so")
      try FileManager.default.copyItem(
        atPath: PluginSearchPath.executableFolder + "/" + library.lastPathComponent, toPath: library.path)
      let path = try PluginSearchPath(environment: [:], executableFolder: plugins.path)
      let environment = ["XDG_CACHE_HOME": folder.path]
      let first = try CatalogOutline(path, environment: environment)
      #expect(first.entries.contains { $0.id == "otsu" && $0.kind == "threshold rule" })
      let cache = folder.appending(path: "clues/catalog.json")
      // Whoever reads the cache believes it: it is not made anew.
      let text = try String(contentsOf: cache, encoding: .utf8)
      try text.replacing("\"otsu\"", with: "\"kept\"").write(to: cache, atomically: true, encoding: .utf8)
      #expect(try CatalogOutline(path, environment: environment).entries.contains { $0.id == "kept" })
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: library.path)
      #expect(try CatalogOutline(path, environment: environment) == first)
      try "broken".write(to: cache, atomically: true, encoding: .utf8)
      #expect(try CatalogOutline(path, environment: environment) == first)
      #expect(try CatalogOutline(path, environment: [:]) == first)
    }
  }
}
