import Diagnostics

/// The entries of an archive so far, and whether the next one is allowed.
struct ArchiveLimits {
  private let limits: Limits
  private let archiveSize: Int
  private var count = 0
  private var total = 0
  private var ignoredCount = 0
  private var files: Set<String> = []
  private var folders: Set<String> = []

  init(limits: Limits, archiveSize: Int) {
    self.limits = limits
    self.archiveSize = archiveSize
  }

  /// Checks an entry; nil if it is not a file or is ignored.
  mutating func admit(_ path: EntryPath, _ header: EntryHeader) throws -> BundleEntry? {
    count += 1
    guard count <= limits[.entries] else {
      throw Failure(beyond: .entries, "is one entry more than the limit of \(limits[.entries])")
    }
    switch header.nature {
    case .file: break
    case .folder:
      try enter(folder: path.components)
      return nil
    case .symbolicLink: throw Self.refusal("a symbolic link", "pack the files that links lead to: tar --dereference")
    case .hardLink: throw Self.refusal("a hard link", "pack each file with its content: tar --hard-dereference")
    case .pipe: throw Self.refusal("a named pipe", "pack regular files only")
    case .socket: throw Self.refusal("a socket", "pack regular files only")
    case .device: throw Self.refusal("a device", "pack regular files only")
    }
    if header.isEncrypted { throw Failure.encrypted }
    if header.isSparse { throw Failure.sparse }
    if let method = header.unreadCompression {
      throw Failure(
        .badData, "is compressed with \(String(showing: Array(method.utf8))), which Clues does not read in a zip",
        advice: "zip it again with deflate, or without compression")
    }
    let size = try checkedSize(header.size)
    guard !path.components.isEmpty else {
      throw Failure(.badData, "is a file in place of the root folder", advice: .copyAgain)
    }
    if path.isMacintoshLitter {
      ignoredCount += 1
      return nil
    }
    try enter(folder: path.components.dropLast())
    guard !folders.contains(path.text) else { throw Self.fileAndFolder }
    let (isNew, known) = files.insert(path.text)
    guard isNew else {
      if let pair = twoSpellings(among: [known, path.text]) {
        throw Failure(twoSpellingsOf: "a path", pair.first, pair.second)
      }
      throw Failure(
        .badData, "is in the archive twice", advice: "pack the folder again, into a new archive")
    }
    return BundleEntry(path: path.text, size: size)
  }

  /// Checks the archive as a whole.
  ///
  /// - returns: Notes for the user.
  func close() throws -> [String] {
    guard !files.isEmpty else { throw Failure(.badData, "is empty", advice: "pack the client's folder again") }
    if files.allSatisfy({ ArchiveKind.stem(of: $0) != nil }) {
      let inner = files.min() ?? ""
      throw Failure(
        .badData, "holds only another archive, '\(inner)'", advice: "unpack it once and give the archive inside")
    }
    return litterNote(ignoredCount).map { [$0] } ?? []
  }

  private mutating func checkedSize(_ announced: Int64?) throws -> Int {
    guard let announced, let size = Int(exactly: announced), size >= 0 else {
      throw Failure(.badData, "does not say how large it is", advice: .copyAgain)
    }
    guard size <= limits[.entrySize] else {
      throw Failure(beyond: .entrySize, "has \(size) bytes, more than the limit of \(limits[.entrySize])")
    }
    let (sum, overflow) = total.addingReportingOverflow(size)
    total = overflow ? .max : sum
    try limits.check(decoded: total, archive: archiveSize)
    return size
  }

  private mutating func enter(folder components: some Collection<String>) throws {
    var path = ""
    for component in components {
      path += path.isEmpty ? component : "/" + component
      guard !files.contains(path) else { throw Self.fileAndFolder }
      folders.insert(path)
    }
  }

  private static let fileAndFolder = Failure(
    .badData, "is in the archive both as a file and as a folder",
    advice: "pack the folder again, into a new archive")

  private static func refusal(_ what: String, _ advice: String) -> Failure {
    Failure(.badData, "is \(what)", advice: advice)
  }
}
