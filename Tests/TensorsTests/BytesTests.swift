import Diagnostics
import Foundation
import Synchronization
import Tensors
import TestSupport
import Testing

@Suite struct BytesTests {
  func array(_ bytes: Bytes) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

  @Test func slicesShareTheirStorage() {
    let whole = Bytes([0, 1, 2, 3, 4, 5])
    let slice = whole[1..<5][1..<3]
    #expect(array(slice) == [2, 3])
    #expect(slice.offset(in: whole) == 2)
    #expect(whole.offset(in: slice) == nil)
    #expect(Bytes([2, 3]).offset(in: whole) == nil)
    #expect(array(whole[6..<6]).isEmpty)
  }

  /// Letting go of memory changes no byte, neither of a file nor of what is in memory only.
  @Test func lettingGoLosesNothing() throws {
    let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "file")
      try Data(content).write(to: file)
      for bytes in [try Bytes(mapping: file.path), Bytes(content)] {
        let slice = bytes[1_000..<2_900_001]
        slice.fetch()
        slice.relinquish()
        var windows: [UInt8] = []
        slice.forEachWindow { windows.append(contentsOf: $0) }
        #expect(windows == Array(content[1_000..<2_900_001]))
        #expect(array(bytes) == content)
      }
    }
  }

  /// What is copied is read from the file, so one that has become shorter is refused and ends nothing.
  @Test func copiesWhatTheFileHoldsOrRefuses() throws {
    let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 13 ^ $0 >> 7) }
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "file")
      try Data(content).write(to: file)
      let mapped = try Bytes(mapping: file.path)
      var copy = [UInt8](repeating: 0, count: 150_000)
      for bytes in [mapped, Bytes(content)] {
        try copy.withUnsafeMutableBytes { try bytes[7..<150_007].copy(to: $0.baseAddress!) }
        #expect(copy == Array(content[7..<150_007]))
      }
      #expect(truncate(file.path, 100_000) == 0)
      #expect(throws: Failure(.badData, "was truncated while it was read", file: file.path)) {
        try copy.withUnsafeMutableBytes { try mapped[7..<150_007].copy(to: $0.baseAddress!) }
      }
    }
  }

  @Test func theLastSliceGivesTheStorageBack() {
    let released = Mutex(0)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4, alignment: 1)
    buffer.copyBytes(from: [1, 2, 3, 4])
    do {
      var slice: Bytes
      do {
        let whole = Bytes(owning: UnsafeRawBufferPointer(buffer)) { _ in released.withLock { $0 += 1 } }
        slice = whole[1..<3]
      }
      #expect(array(slice) == [2, 3])
      #expect(released.withLock { $0 } == 0)
      slice = Bytes([])
    }
    #expect(released.withLock { $0 } == 1)
    buffer.deallocate()
  }

  @Test func mapsFiles() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "file").path
      try Data([7, 8, 9]).write(to: URL(filePath: file))
      let bytes = try Bytes(mapping: file)
      try FileManager.default.removeItem(atPath: file)
      #expect(array(bytes) == [7, 8, 9])
      try Data().write(to: URL(filePath: file))
      #expect(try Bytes(mapping: file).count == 0)
    }
  }

  @Test func refusesWhatIsNoFile() throws {
    try withTemporaryFolder { folder in
      let missing = folder.appending(path: "missing").path
      #expect(
        throws:
          Failure(
            .missingInput, "cannot be opened: No such file or directory", advice: "check the path and its permissions",
            file: missing)
      ) {
        try Bytes(mapping: missing)
      }
      #expect(throws: Failure(.missingInput, "is not a regular file", file: folder.path)) {
        try Bytes(mapping: folder.path)
      }
    }
  }
}
