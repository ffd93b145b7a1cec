/// What an archive says of an entry before its content.
struct EntryHeader {
  var nature: Nature
  var isEncrypted = false
  var isSparse = false
  /// How it is compressed, if that is a way that is not read.
  var unreadCompression: String?
  /// The size that it announces.
  var size: Int64?

  enum Nature { case file, folder, symbolicLink, hardLink, pipe, socket, device }
}

/// An archive of whatever format that is gone through once, entry by entry.
protocol ArchiveWalk: AnyObject {
  /// Goes to the next entry; false at the end of a whole archive.
  func advance() throws -> Bool

  /// The name of the current entry as the archive has it.
  func withName<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result

  /// What the archive says of the current entry.
  var header: EntryHeader { get }

  /// Passes over the content of the current entry.
  func skip() throws

  /// Reads the content of the current entry into `content`.
  func read(into content: EntryContent) throws
}
