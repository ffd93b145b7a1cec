import Diagnostics
import Files
import Foundation
import Tensors

/// Reads a folder as ``ArchiveReader`` reads an archive; files are mapped.
///
/// Links to files are followed (the Hugging Face cache consists of them), and links to folders too, but no folder is entered
/// twice. Folders that cannot contain anything a bundle needs are skipped.
package struct FolderReader: EntrySource {
  package let name: String
  private let limits: Limits

  /// The maximum number of components in the path of a known file: `run/checkpoint-30/adapter/adapter_config.json`.
  static let deepest = 4

  package init(_ path: String, limits: Limits = Limits()) {
    name = path
    self.limits = limits
  }

  package func displayName(of path: String) -> String { diskPath(of: path) }

  /// The path on disk of the file at `path`.
  package func diskPath(of path: String) -> String { name.hasSuffix("/") ? name + path : "\(name)/\(path)" }

  package func read(
    wanting isWanted: (BundleEntry) throws -> Bool, visit: (BundleEntry, Bytes?) throws -> Void
  ) throws -> [String] {
    var walk = FolderWalk(root: name, deepest: Self.deepest, limits: limits)
    try locating(file: name) { try walk.run() }
    for found in walk.files.sorted(by: { $0.path.components.lexicographicallyPrecedes($1.path.components) }) {
      let entry = BundleEntry(path: found.path.text, size: found.size)
      let disk = diskPath(of: entry.path)
      try locating(file: disk) {
        guard try isWanted(entry) else {
          if found.isRegular { try visit(entry, nil) }
          return
        }
        guard found.isRegular else {
          throw Failure(.badData, "is neither a file nor a link to one", advice: "put the file itself there")
        }
        guard entry.size <= limits[.entrySize] else {
          throw Failure(
            beyond: .entrySize, "has \(entry.size) bytes, more than the limit of \(limits[.entrySize])")
        }
        try visit(entry, try Bytes(mapping: disk))
      }
    }
    return walk.notes
  }
}

/// One walk through a folder.
struct FolderWalk {
  struct Found {
    let path: EntryPath
    let size: Int
    let isRegular: Bool
  }

  private(set) var files: [Found] = []
  private(set) var notes: [String] = []

  private let root: String
  private let deepest: Int
  private let limits: Limits
  private var count = 0
  private var litter = 0
  private var entered: Set<Identity> = []
  private var linkedFolders: [EntryPath] = []

  private struct Identity: Hashable {
    let device: UInt64
    let number: UInt64
    init(_ status: stat) {
      device = UInt64(status.st_dev)
      number = UInt64(status.st_ino)
    }
  }

  init(root: String, deepest: Int, limits: Limits) {
    self.root = root
    self.deepest = deepest
    self.limits = limits
  }

  /// Visits the real folders first, so that a link back to one of them finds it already entered.
  mutating func run() throws {
    var status = stat()
    guard stat(root, &status) == 0 else { throw Failure(system: .missingInput, "cannot be opened") }
    entered.insert(Identity(status))
    try list(path: "")
    while !linkedFolders.isEmpty {
      let path = linkedFolders.removeFirst().text
      guard stat("\(root)/\(path)", &status) == 0 else { continue }
      if entered.insert(Identity(status)).inserted {
        try list(path: path)
      } else {
        notes.append("'\(path)' is a link to a folder that was read already")
      }
    }
    if let note = litterNote(litter) { notes.append(note) }
  }

  private mutating func list(path: String) throws {
    let folder = path.isEmpty ? root : "\(root)/\(path)"
    guard let stream = opendir(folder) else {
      throw Failure(system: .missingInput, "cannot be listed", file: folder)
    }
    defer { closedir(stream) }
    while let item = readdir(stream) {
      let name = withUnsafePointer(to: &item.pointee.d_name) {
        $0.withMemoryRebound(to: UInt8.self, capacity: 256) { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
      }
      if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
      count += 1
      guard count <= limits[.entries] else {
        throw Failure(
          beyond: .entries, "holds more files and folders than the limit of \(limits[.entries])")
      }
      let inner = path.isEmpty ? name : Array(path.utf8) + [UInt8(ascii: "/")] + name
      // A name that an archive could not contain is not a known name.
      guard let path = inner.withUnsafeBytes({ try? EntryPath(checking: $0, limits: limits) }) else { continue }
      try take(path)
    }
  }

  private mutating func take(_ path: EntryPath) throws {
    let disk = "\(root)/\(path.text)"
    var own = stat()
    guard lstat(disk, &own) == 0 else { return }
    var status = own
    // A link to nothing counts as a missing file; it matters only if the file is wanted.
    if stat(disk, &status) != 0 { status.st_size = 0 }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      if path.isMacintoshLitter {
        litter += 1
      } else {
        files.append(
          Found(path: path, size: Int(status.st_size), isRegular: status.st_mode & S_IFMT == S_IFREG))
      }
      return
    }
    guard path.components.count < deepest, !path.isMacintoshLitter else { return }
    if own.st_mode & S_IFMT == S_IFLNK {
      linkedFolders.append(path)
    } else if entered.insert(Identity(status)).inserted {
      try list(path: path.text)
    }
  }
}
