import Diagnostics
import Glibc
import SystemPackage

/// Makes a folder and its missing parent folders.
///
/// - parameter output: The output that needs it, for errors.
/// - throws: ``Failure`` `cannotWrite`.
package func makeFolder(_ path: FilePath, mode: mode_t = 0o777, for output: String) throws {
  if mkdir(path.string, mode) == 0 || path.isFolder { return }
  if errno == ENOENT, path != path.folder {
    try makeFolder(path.folder, mode: mode, for: output)
    if mkdir(path.string, mode) == 0 || errno == EEXIST && path.isFolder { return }
  }
  throw Failure.cannotWrite(output)
}

/// Removes a file, or a folder with everything in it, as far as the system permits; links are not followed.
package func removeTree(_ path: String) { removeTree(path, in: AT_FDCWD) }

private func removeTree(_ name: UnsafePointer<CChar>, in folder: Int32) {
  if unlinkat(folder, name, 0) == 0 || errno == ENOENT { return }
  let descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  _ = forEachName(in: descriptor) { removeTree($0, in: descriptor) }
  close(descriptor)
  unlinkat(folder, name, AT_REMOVEDIR)
}

/// The names in a folder, in no order; nil if it is not a folder, or may not be listed.
///
/// - throws: ``Failure`` `noResources` if the system lacks resources: this must not be mistaken for an empty folder.
package func names(in folder: FilePath) throws -> [String]? {
  let descriptor = open(folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else {
    let failure = Failure(system: .missingInput, "cannot be listed", file: folder.string)
    guard failure.kind == .noResources else { return nil }
    throw failure
  }
  defer { close(descriptor) }
  var names: [String] = []
  guard forEachName(in: descriptor, { names.append(String(cString: $0)) }) else {
    throw Failure(system: .missingInput, "cannot be listed", file: folder.string)
  }
  return names
}

/// Visits the names in a folder; false if it could not begin, and `errno` says why.
private func forEachName(in folder: Int32, _ body: (UnsafePointer<CChar>) -> Void) -> Bool {
  // The stream closes its descriptor.
  let own = fcntl(folder, F_DUPFD_CLOEXEC, 0)
  guard own >= 0 else { return false }
  guard let stream = fdopendir(own) else {
    let code = errno
    close(own)
    errno = code
    return false
  }
  defer { closedir(stream) }
  while let entry = readdir(stream) {
    withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
        if strcmp(name, ".") != 0, strcmp(name, "..") != 0 { body(name) }
      }
    }
  }
  return true
}

/// Flushes the names in the folder of `output` to disk.
package func syncFolder(of output: String) {
  let folder = open(FilePath(output).folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard folder >= 0 else { return }
  fsync(folder)
  close(folder)
}
