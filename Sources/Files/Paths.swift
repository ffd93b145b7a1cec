import Glibc
import SystemPackage

extension FilePath {
  /// The last component; empty for `/`, and for no path at all.
  package var name: String { lastComponent?.string ?? "" }

  /// The folder that it lies in; `.` for a name alone.
  package var folder: FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }

  /// The same path from the root on, without `.` and `..`; links are not looked at.
  package var absolute: FilePath {
    FilePath.current.pushing(self).lexicallyNormalized()
  }

  /// The current folder.
  package static var current: FilePath {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return FilePath(String(cString: path))
  }

  /// Where it leads through all links. The end need not be there yet, nor what a link leads to.
  package var resolved: FilePath {
    if let real = realpath(string, nil) {
      defer { free(real) }
      return FilePath(String(cString: real))
    }
    guard errno == ENOENT, let lastComponent else { return self }
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    // A link to nothing: whoever writes there makes what it leads to.
    if readlink(string, &target, target.count - 1) > 0 {
      return target.withUnsafeBufferPointer { folder.pushing(FilePath(String(cString: $0.baseAddress!))).resolved }
    }
    return lastComponent.kind == .regular ? folder.resolved.appending(lastComponent) : self
  }

  /// Whether there is something, links followed.
  package var exists: Bool { access(string, F_OK) == 0 }

  /// Whether it is a folder, or leads to one.
  package var isFolder: Bool { (try? stat())?.type == .directory }
}

/// The folders in which a user's programs keep what is theirs, by the XDG Base Directory Specification.
package enum UserFolder {
  case configuration, data, cache

  /// The folder of Clues, or nil where the user has no home.
  ///
  /// A relative path would mean the current folder; such a variable counts as not set.
  package func path(in environment: [String: String]) -> FilePath? {
    func folder(_ variable: String) -> FilePath? {
      environment[variable].map { FilePath($0) }.flatMap { $0.isAbsolute ? $0 : nil }
    }
    let (variable, fallback) =
      switch self {
      case .configuration: ("XDG_CONFIG_HOME", ".config")
      case .data: ("XDG_DATA_HOME", ".local/share")
      case .cache: ("XDG_CACHE_HOME", ".cache")
      }
    return (folder(variable) ?? folder("HOME")?.appending(fallback))?.appending("clues")
  }
}
