import Diagnostics
import Foundation

/// Gets to know how many bytes of a bundle are read; throws to stop the reading.
public typealias ReadingProgress = (Int) throws -> Void

extension Bundle {
  /// How many bytes there are to read to open the bundle at `path` and make its digest: those of the archive, or those of
  /// the known files of a folder. 0 where there is nothing to read.
  public static func size(at path: String, limits: Limits = Limits()) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { return 0 }
    guard status.st_mode & S_IFMT == S_IFDIR else { return max(0, Int(status.st_size)) }
    var walk = FolderWalk(root: path, deepest: FolderReader.deepest, limits: limits)
    // What is wrong with the folder is said when it is opened.
    guard (try? walk.run()) != nil else { return 0 }
    return walk.files.reduce(0) { total, file in
      let components = file.path.components
      let known = KnownFile(components) ?? KnownFile(components.dropFirst())
      guard let part = known?.part, Self.isDigested(part) else { return total }
      return total + file.size
    }
  }

  /// Gradients and optimizer states of a folder may be larger than memory and are left out of its digest.
  static func isDigested(_ part: Part?) -> Bool { part != .gradients && part != .optimizers }
}
