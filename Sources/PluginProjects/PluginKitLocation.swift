import Diagnostics
import Files
import SystemPackage

/// Where the package with PluginKit is, for plugins in Swift.
package enum PluginKitLocation {
  /// The package that belongs to an executable: `lib/clues/PluginKit` of an installation, or the folder `PluginKit` of the
  /// sources that it was built from.
  ///
  /// - parameter executableFolder: The folder of the executable.
  /// - throws: ``Failure`` `missingInput` when there is neither.
  package static func belonging(to executableFolder: String) throws -> String {
    var folder = FilePath(executableFolder).absolute
    let installed = folder.folder.appending("lib/clues/PluginKit")
    if isPackage(installed) { return installed.string }
    while folder.removeLastComponent() {
      let candidate = folder.appending("PluginKit")
      if isPackage(candidate) { return candidate.string }
    }
    throw Failure(
      .missingInput, "there is no PluginKit that belongs to this clues",
      advice: "name the folder PluginKit of the sources of Clues with --pluginkit")
  }

  /// A package that the user named, as an absolute path.
  ///
  /// - throws: ``Failure`` `missingInput` when it is none.
  package static func named(_ path: String) throws -> String {
    let folder = FilePath(path).absolute
    guard isPackage(folder) else {
      throw Failure(
        .missingInput, "holds no package with PluginKit",
        advice: "it is the folder PluginKit of the sources of Clues, or lib/clues/PluginKit of an installation",
        file: path)
    }
    return folder.string
  }

  private static func isPackage(_ folder: FilePath) -> Bool {
    ["Package.swift", "Sources/PluginKit"].allSatisfy { folder.appending($0).exists }
  }
}
