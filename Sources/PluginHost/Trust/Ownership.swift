import Diagnostics
import Files
import Glibc
import SystemPackage

/// Refuses a file that another user could have changed: neither it nor its folder may belong to, or be writable by, anyone
/// except the user and root.
///
/// - throws: ``Failure`` `untrustedPlugin`.
func checkOwner(of path: String) throws(Failure) {
  let folder = FilePath(path).folder.string
  for (what, place) in [("file", path), ("folder", folder)] {
    var status = stat()
    guard stat(place, &status) == 0 else {
      throw Failure(system: .untrustedPlugin, "its \(what) cannot be examined", file: path)
    }
    guard status.st_uid == 0 || status.st_uid == geteuid() else {
      throw Failure(
        .untrustedPlugin, "its \(what) belongs to the user \(status.st_uid), who could change it at any time",
        advice: "use a copy of your own: cp \(path) …", file: path)
    }
    guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
      throw Failure(
        .untrustedPlugin, "its \(what) can be written by others (mode \(String(status.st_mode & 0o7777, radix: 8)))",
        advice: "chmod go-w \(place)", file: path)
    }
  }
}
