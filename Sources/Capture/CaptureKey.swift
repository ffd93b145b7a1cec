import Bundles
import Diagnostics
import Digests
import Files
import Glibc
import JSON
import SystemPackage
import Tensors

/// A digest of everything that determines the numbers of a part of a capture, so that the kept parts of an interrupted capture
/// are only used for the same one.
package struct CaptureKey: Sendable, Equatable {
  /// 32 hexadecimal digits.
  let text: String

  /// Changed when the meaning of the numbers changes, so that older kept parts are measured again.
  private static let meaning = 1

  init(_ parts: [(String, JSONValue)]) {
    let object = JSONObject([("meaning", JSONValue(Self.meaning))] + parts)
    text = String(sha256(of: JSONValue.object(object).text(sorted: true)).prefix(32))
  }

  /// The files of a base model by name, size and modification time: reading gigabytes only to compare them would take longer
  /// than most checkpoints.
  package static func identity(ofModel path: String) throws -> JSONValue {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Failure(system: .missingInput, "cannot be opened", file: path) }
    let isFolder = status.st_mode & S_IFMT == S_IFDIR
    guard let names = isFolder ? try Files.names(in: FilePath(path)) : [""] else {
      throw Failure(system: .missingInput, "cannot be read", file: path)
    }
    var files = JSONObject()
    for name in names.sorted() {
      var status = stat()
      guard stat(name.isEmpty ? path : "\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        continue
      }
      files[name] = [
        JSONValue(Int(status.st_size)), JSONValue(Int(status.st_mtim.tv_sec)), JSONValue(Int(status.st_mtim.tv_nsec)),
      ]
    }
    return .object(files)
  }

  /// The contents of files.
  static func digests(_ files: [BundleFile?]) throws -> JSONValue {
    .array(
      try files.map { file in
        guard let file else { return .null }
        return .string(try locating(file: file.name) { try sha256(of: file.bytes()) { _ in try Interruption.check() } })
      })
  }
}
