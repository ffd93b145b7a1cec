import Diagnostics
import Files
import Foundation
import SystemPackage

/// The folders in which plugins are searched for, in order; the current directory is never among them.
public struct PluginSearchPath: Sendable {
  public let places: [Place]

  public struct Place: Sendable, Equatable {
    public let folder: String
    public let origin: Origin
  }

  public enum Origin: String, Sendable {
    case option = "--plugin-dir"
    case environment = "CLUES_PLUGIN_PATH"
    case user = "the user's data folder"
    case builtIn = "built in"
  }

  /// - parameters:
  ///   - options: The folders that the user named on the command line.
  ///   - environment: Provides `CLUES_PLUGIN_PATH`, `XDG_DATA_HOME` and `HOME`.
  ///   - executableFolder: The folder of the executable, next to or above which the built-in plugins are.
  public init(
    options: [String] = [], environment: [String: String] = ProcessInfo.processInfo.environment,
    executableFolder: String = PluginSearchPath.executableFolder
  ) throws {
    var places = options.map { Place(folder: $0, origin: .option) }
    for folder in (environment["CLUES_PLUGIN_PATH"] ?? "").split(separator: ":") {
      guard folder.hasPrefix("/") else {
        throw Failure(
          .usage, "CLUES_PLUGIN_PATH holds '\(folder)', which is not an absolute path",
          advice: "plugins are never looked for relative to the current directory")
      }
      places.append(Place(folder: String(folder), origin: .environment))
    }
    if let data = UserFolder.data.path(in: environment) {
      places.append(Place(folder: data.appending("plugins").string, origin: .user))
    }
    // An installed tree has bin/clues and lib/clues/plugins; a build folder has everything side by side.
    let installed = FilePath(executableFolder).folder.appending("lib/clues/plugins")
    places.append(Place(folder: installed.exists ? installed.string : executableFolder, origin: .builtIn))
    self.places = places
  }

  /// The plugin files of a place, by name. A folder that does not exist has none, unless the user named it.
  public func files(in place: Place) throws -> [String] {
    guard let names = try names(in: FilePath(place.folder)) else {
      guard place.origin == .option else { return [] }
      throw Failure(.missingInput, "there is no such plugin folder, or it cannot be read", file: place.folder)
    }
    // A build folder has other libraries too; the plugins are recognized by their names.
    let prefix = place.origin == .builtIn ? "libCluesPlugin" : ""
    return names.filter { $0.hasSuffix(".so") && $0.hasPrefix(prefix) }.sorted().map { place.folder + "/" + $0 }
  }

  /// The folder of the running executable.
  public static var executableFolder: String {
    FilePath("/proc/self/exe").resolved.folder.string
  }
}
