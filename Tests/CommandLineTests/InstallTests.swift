import Foundation
import TestSupport
import Testing

/// What `make install` puts in place, from the build at hand.
@Suite struct InstallTests {
  private func script(_ name: String, _ arguments: [String], destination: String = "") throws -> CommandResult {
    try clues(
      arguments, executable: repository.appending(path: "scripts/\(name)").path, environment: ["DESTDIR": destination])
  }

  private func tree(_ folder: URL) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func `an installed tree runs where it is moved to, brings its runtime, and goes without a trace`() throws {
    try withTemporaryFolder { folder in
      let build = URL(filePath: cluesExecutable).deletingLastPathComponent().path
      let prefix = folder.appending(path: "opt/clues")
      let installed = try script("install", [build, prefix.path])
      #expect(installed.status == 0, "\(installed.errors)")
      let files = try tree(prefix)
      for file in [
        "bin/clues", "lib/clues/plugins/libCluesPluginTies.so", "lib/clues/libswiftCore.so", "include/clues_plugin.h",
        "lib/clues/PluginKit/Sources/PluginKit/MergeMethod.swift",
        "share/clues/recipes/ties.yaml", "share/clues/recipes/recipe.schema.json",
        "share/clues/experiments/small.yaml", "share/clues/experiments/data/medical/train.jsonl",
        "share/clues/experiments/data/LICENSE.WordNet",
        "share/bash-completion/completions/clues", "share/zsh/site-functions/_clues",
        "share/fish/vendor_completions.d/clues.fish", "share/man/man1/clues.1", "share/man/man1/clues-plugins-show.1",
      ] { #expect(files.contains(file), "\(file)") }
      // Twice is once.
      #expect(try script("install", [build, prefix.path]).status == 0)
      #expect(try tree(prefix) == files)

      let moved = folder.appending(path: "elsewhere")
      try FileManager.default.moveItem(at: prefix, to: moved)
      let executable = moved.appending(path: "bin/clues").path
      let merged = try clues(
        ["merge", fixture("tiny/c0"), "--method", "ties", "-o", "out"], in: folder, executable: executable)
      #expect(merged.status == 0, "\(merged.errors)")
      // The loader finds the runtime in the tree, not in the toolchain; the executable may carry its own.
      for (binary, mayCarryIt) in [("bin/clues", true), ("lib/clues/plugins/libCluesPluginTies.so", false)] {
        let loaded = try clues([moved.appending(path: binary).path], in: folder, executable: "/usr/bin/ldd")
        let runtime = loaded.output.split(separator: "\n").filter { $0.contains("swift") && $0.contains("=>") }
        #expect(mayCarryIt || !runtime.isEmpty, "\(loaded.output)")
        #expect(runtime.allSatisfy { $0.contains(moved.path) }, "\(loaded.output)")
      }

      let project = try clues(
        ["plugins", "new", "--language", "swift", "mine"], in: folder, executable: executable)
      #expect(project.status == 0, "\(project.errors)")
      let manifest = try String(contentsOf: folder.appending(path: "mine/Package.swift"), encoding: .utf8)
      #expect(manifest.contains(moved.path + "/lib/clues/PluginKit"), "\(manifest)")

      // Somebody else's file in one of our folders stays, with its folder and nothing else.
      try Data().write(to: moved.appending(path: "bin/other"))
      #expect(try script("uninstall", [moved.path]).status == 0)
      #expect(try tree(moved) == ["bin", "bin/other"])
      #expect(try script("uninstall", [moved.path]).status == 66)
    }
  }

  @Test func `DESTDIR goes before the prefix`() throws {
    try withTemporaryFolder { folder in
      let build = URL(filePath: cluesExecutable).deletingLastPathComponent().path
      try FileManager.default.createDirectory(
        at: folder.appending(path: "usr/share/man"), withIntermediateDirectories: true)
      #expect(try script("install", [build, "/usr"], destination: folder.path).status == 0)
      #expect(FileManager.default.fileExists(atPath: folder.path + "/usr/bin/clues"))
      #expect(try script("uninstall", ["/usr"], destination: folder.path).status == 0)
      // Folders that were there before are still there.
      #expect(try tree(folder) == ["usr", "usr/share", "usr/share/man"])
      #expect(try script("install", [build, "relative"], destination: folder.path).status == 64)
    }
  }
}
