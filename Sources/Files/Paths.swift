import Glibc
import SystemPackage

extension FilePath {
  /// The last component; empty for `/` and for an empty path.
  package var name: String { lastComponent?.string ?? "" }

  /// The folder that contains it; `.` for a bare name.
  package var folder: FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }

  /// The same path from the root, without `.` and `..`; links are not resolved.
  package var absolute: FilePath {
    FilePath.current.pushing(self).lexicallyNormalized()
  }

  /// The current folder.
  package static var current: FilePath {
    guard let path = getcwd(nil, 0) else { return "." }
    defer { free(path) }
    return FilePath(String(cString: path))
  }

  /// The path with all links resolved. It need not exist yet, nor need the target of a link.
  package var resolved: FilePath {
    if let real = realpath(string, nil) {
      defer { free(real) }
      return FilePath(String(cString: real))
    }
    guard errno == ENOENT, let lastComponent else { return self }
    var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    // A dangling link: writing there creates its target.
    if readlink(string, &target, target.count - 1) > 0 {
      return target.withUnsafeBufferPointer { folder.pushing(FilePath(String(cString: $0.baseAddress!))).resolved }
    }
    return lastComponent.kind == .regular ? folder.resolved.appending(lastComponent) : self
  }

  /// Whether it exists, following links.
  package var exists: Bool { access(string, F_OK) == 0 }

  /// Whether it is a folder, or a link to one.
  package var isFolder: Bool { (try? stat())?.type == .directory }
}

/// The per-user folders of programs, by the XDG Base Directory Specification.
package enum UserFolder {
  case configuration, data, cache

  /// The folder of Clues, or nil if the user has no home.
  ///
  /// A relative path would depend on the current folder; such a variable counts as not set.
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
