import Bundles
import Foundation
import Tensors

extension URL {
  /// Writes `tree` below this folder.
  @discardableResult
  public func fill(_ tree: Tree) throws -> URL {
    for (name, content) in tree {
      let file = appending(path: name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: file)
    }
    return self
  }

  /// Writes `bytes` to `name` in this folder and gives the path.
  public func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = appending(path: name)
    try Data(bytes).write(to: file)
    return file.path
  }
}

extension Bytes {
  public var array: [UInt8] { withUnsafeBytes { Array($0) } }
  public var text: String { String(decoding: array, as: UTF8.self) }
}

/// Reads all files of a source.
package func readAll(_ source: some EntrySource) throws -> Tree {
  var tree: Tree = [:]
  _ = try source.read(wanting: { _ in true }, visit: { tree[$0.path] = $1?.text })
  return tree
}
