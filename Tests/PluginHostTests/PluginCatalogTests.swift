import Diagnostics
import Foundation
import PluginHost
import TestSupport
import Testing

@Suite struct PluginCatalogTests {
  func path(_ options: [String] = [], _ environment: [String: String] = [:], _ executable: String) throws
    -> PluginSearchPath
  {
    try PluginSearchPath(options: options, environment: environment, executableFolder: executable)
  }

  /// A folder with plugins of these names, all of them broken.c without a fault.
  func fill(_ folder: URL, _ names: String..., definitions: [String] = ["FAULT=0"]) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in names {
      try Compiler.clang.compilePlugin(
        fixture("plugins/broken.c"), to: folder.appending(path: name).path, definitions)
      // What breaks the contract cannot be asked for its manifest.
      if definitions == ["FAULT=0"] { try mark(folder.appending(path: name).path) }
    }
  }

  @Test func builtInPluginsLieBesideTheTests() throws {
    let catalog = try builtInCatalog()
    #expect(catalog.problems.isEmpty)
    #expect(catalog.libraries.allSatisfy { $0.origin == .builtIn })
    #expect(try catalog.mergeMethod("average").isLinear)
    #expect(try !catalog.mergeMethod("ties").isLinear)
    let ids = catalog.libraries.flatMap { $0.file.entries.map { "\($0.kind) \($0.id)" } }
    #expect(Set(ids).count == ids.count)
  }

  @Test func builtInPluginsExportNothingButTheEntry() throws {
    for library in try builtInCatalog().libraries {
      let listing = try run("nm", ["-D", "--defined-only", library.file.path])
      #expect(listing.status == 0)
      // Small letters are local symbols, which the dynamic linker never sees.
      let exported = listing.output.matches(of: /\s[A-Z]\s(\S+)/).map { String($0.output.1) }
      #expect(exported == ["clues_plugin_entry_v1"], "\(library.file.path)")
    }
  }

  @Test func placesComeInOrder() throws {
    let environment = ["CLUES_PLUGIN_PATH": "/a::/b", "HOME": "/home/x"]
    let places = try path(["o", "p"], environment, "/nowhere/bin").places
    #expect(places.map(\.folder) == ["o", "p", "/a", "/b", "/home/x/.local/share/clues/plugins", "/nowhere/bin"])
    #expect(places.map(\.origin) == [.option, .option, .environment, .environment, .user, .builtIn])
  }

  @Test func theUsersDataFolderIsAbsoluteOrNone() throws {
    func user(_ environment: [String: String]) throws -> [String] {
      try path([], environment, "/nowhere").places.filter { $0.origin == .user }.map(\.folder)
    }
    #expect(try user(["XDG_DATA_HOME": "/data", "HOME": "/home/x"]) == ["/data/clues/plugins"])
    #expect(try user(["XDG_DATA_HOME": "data", "HOME": "/home/x"]) == ["/home/x/.local/share/clues/plugins"])
    #expect(try user(["XDG_DATA_HOME": "", "HOME": ""]).isEmpty)
    #expect(try user(["HOME": "."]).isEmpty)
    #expect(try user([:]).isEmpty)
  }

  @Test(arguments: ["plugins", ".", "/a:plugins", "~/plugins"]) func relativePathsAreRefused(_ value: String) {
    let failure = #expect(throws: Failure.self) { try path([], ["CLUES_PLUGIN_PATH": value], "/nowhere") }
    #expect(failure?.kind == .usage)
    #expect(failure?.message.hasSuffix("which is not an absolute path") == true)
  }

  @Test func anInstalledTreeHasItsPluginsInLib() throws {
    try withTemporaryFolder { root in
      let lib = root.appending(path: "lib/clues/plugins")
      try FileManager.default.createDirectory(at: lib, withIntermediateDirectories: true)
      #expect(try path([], [:], root.path + "/bin").places.map(\.folder) == [lib.path])
    }
  }

  @Test func neverTheCurrentDirectory() throws {
    let environment = ["CLUES_PLUGIN_PATH": ":", "XDG_DATA_HOME": ".", "HOME": "."]
    let places = try path([], environment, PluginSearchPath.executableFolder).places
    #expect(places.allSatisfy { $0.folder.hasPrefix("/") })
    #expect(places.map(\.origin) == [.builtIn])
  }

  @Test func onlyNamedFoldersMustExist() throws {
    try withTemporaryFolder { folder in
      let missing = folder.appending(path: "missing").path
      let empty = try PluginCatalog(path([], ["CLUES_PLUGIN_PATH": missing], missing))
      #expect(empty.libraries.isEmpty && empty.problems.isEmpty)
      #expect(throws: Failure(.missingInput, "there is no such plugin folder, or it cannot be read", file: missing)) {
        try PluginCatalog(path([missing], [:], missing))
      }
    }
  }

  @Test func ofTwoFilesWithOneNameTheFirstCounts() throws {
    try withTemporaryFolder { folder in
      let (first, second) = (folder.appending(path: "1"), folder.appending(path: "2"))
      try fill(first, "p.so")
      try fill(second, "p.so", definitions: ["FAULT=2"])
      let none = folder.appending(path: "none").path
      let catalog = try PluginCatalog(path([first.path], ["CLUES_PLUGIN_PATH": second.path], none))
      #expect(catalog.libraries.map(\.file.path) == [first.path + "/p.so"])
      #expect(catalog.libraries.map(\.origin) == [.option])
      #expect(catalog.problems.isEmpty)
      let reversed = try PluginCatalog(path([second.path], ["CLUES_PLUGIN_PATH": first.path], none))
      #expect(reversed.libraries.isEmpty)
      #expect(reversed.problems.map(\.file) == [second.path + "/p.so"])
    }
  }

  @Test func twoFilesWithOneIdAreAnErrorForWhoeverAsks() throws {
    try withTemporaryFolder { folder in
      try fill(folder, "a.so", "b.so")
      let catalog = try builtInCatalog([folder.path])
      #expect(catalog.libraries.filter { $0.origin == .option }.count == 2)
      #expect(try catalog.mergeMethod("average").about.id == "average")
      let failure = #expect(throws: Failure.self) { try catalog.mergeMethod("broken") }
      #expect(failure?.kind == .pluginFailed)
      #expect(
        failure?.message == "'broken' is provided more than once: \(folder.path)/a.so, \(folder.path)/b.so")
    }
  }

  @Test func oneBrokenFileSpoilsNoOther() throws {
    try withTemporaryFolder { folder in
      try fill(folder, "good.so")
      try fill(folder, "bad.so", definitions: ["FAULT=5"])
      try Data("text".utf8).write(to: folder.appending(path: "notes.txt"))
      try FileManager.default.createDirectory(
        at: folder.appending(path: "folder.so"), withIntermediateDirectories: true)
      let catalog = try builtInCatalog([folder.path])
      #expect(catalog.libraries.filter { $0.origin == .option }.map(\.file.path) == [folder.path + "/good.so"])
      #expect(Set(catalog.problems.compactMap(\.file)) == [folder.path + "/bad.so", folder.path + "/folder.so"])
      #expect(catalog.problems.allSatisfy { $0.kind == .pluginFailed })
    }
  }

  @Test func theBuildFolderLendsOnlyClues() throws {
    try withTemporaryFolder { folder in
      try fill(folder, "libOther.so", "libCluesPluginX.so", "notLibCluesPluginX.so")
      let catalog = try PluginCatalog(path([], [:], folder.path))
      #expect(catalog.libraries.map(\.file.path) == [folder.path + "/libCluesPluginX.so"])
    }
  }

  @Test func namesThatDoNotExistGetAnAnswer() throws {
    let catalog = try builtInCatalog()
    let near = #expect(throws: Failure.self) { try catalog.mergeMethod("avrage") }
    #expect(near?.kind == .pluginNotFound)
    #expect(near?.message == "there is no merge method 'avrage'")
    #expect(near?.advice?.hasPrefix("did you mean 'average'?") == true)
    expectFailure(.pluginNotFound, "nothing-of-the-kind") { try catalog.entry("nothing-of-the-kind") }
  }
}
