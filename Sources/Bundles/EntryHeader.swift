/// What an archive says about an entry before its content.
struct EntryHeader {
  var nature: Nature
  var isEncrypted = false
  var isSparse = false
  /// Its compression, if Clues does not read it.
  var unreadCompression: String?
  /// The announced size.
  var size: Int64?

  enum Nature { case file, folder, symbolicLink, hardLink, pipe, socket, device }
}

/// An archive of any format, read once, entry by entry.
protocol ArchiveWalk: AnyObject {
  /// Goes to the next entry; false at the end of a complete archive.
  func advance() throws -> Bool

  /// The name of the current entry in the archive.
  func withName<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result

  /// What the archive says about the current entry.
  var header: EntryHeader { get }

  /// Skips the content of the current entry.
  func skip() throws

  /// Reads the content of the current entry into `content`.
  func read(into content: EntryContent) throws
}
