import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import Zip

@Suite struct ZipDirectoryTests {
  private func entries(_ zip: ZipWriter) throws -> [ZipEntry] {
    try ZipDirectory(Bytes(zip.bytes()), most: .entries, limits: Limits()).entries
  }

  @Test func findsContentWhereItLies() throws {
    let zip = ZipWriter(records: [.init(name: "a", bytes: [1, 2]), .init(name: "b/c", bytes: [3])])
    let bytes = zip.bytes()
    let found = try entries(zip)
    #expect(found.map { String(decoding: $0.name, as: UTF8.self) } == ["a", "b/c"])
    #expect(found.map { Array(bytes[$0.range]) } == [[1, 2], [3]])
    #expect(try entries(ZipWriter(records: [])).isEmpty)
  }

  @Test(arguments: [(true, false), (false, false), (true, true), (false, true)])
  func knowsAllFormsOfDescriptors(hasSignature: Bool, isWide: Bool) throws {
    let content: [UInt8] = [1, 2, 3]
    var record = ZipWriter.Record(name: "a", bytes: content)
    record.flags = 8
    (record.localSize, record.localChecksum) = (0, 0)
    let numbers = isWide ? little(UInt64(3)) + little(UInt64(3)) : little(UInt32(3)) + little(UInt32(3))
    record.tail =
      (hasSignature ? little(UInt32(0x0807_4b50)) : []) + little(ZipWriter.bitwiseCRC(content)) + numbers
    let found = try entries(ZipWriter(records: [record, .init(name: "b", bytes: [])]))
    #expect(found.map(\.size) == [3, 0])
  }

  @Test func readsZip64() throws {
    var record = ZipWriter.Record(name: "a", bytes: [1, 2, 3])
    record.isWide = true
    #expect(try entries(ZipWriter(records: [record], isWide: true)).first?.size == 3)
  }

  /// Info-ZIP writes names as UTF-8 beside those in the code page of old systems.
  @Test func takesTheNameThatIsUTF8() throws {
    let file = try Bytes(mapping: fixture("zips/infozip-windows.zip"))
    let names = try ZipDirectory(file, most: .entries, limits: Limits()).entries.map {
      String(decoding: $0.name, as: UTF8.self)
    }
    #expect(names == ["run/a.txt", "run/zeros.txt", "run/größe/ü.txt"])
  }

  @Test func backslashesOfWindowsAreSlashes() throws {
    let found = try entries(ZipWriter(records: [.init(name: "a\\b", bytes: [])]))
    #expect(found.map { String(decoding: $0.name, as: UTF8.self) } == ["a/b"])
    var unix = ZipWriter.Record(name: "a\\b", bytes: [])
    unix.mode = 0o100644
    #expect(try entries(ZipWriter(records: [unix])).map { String(decoding: $0.name, as: UTF8.self) } == ["a\\b"])
  }

  @Test func limitsAreSettings() throws {
    let zip = Bytes(ZipWriter(records: [.init(name: "a", bytes: []), .init(name: "b", bytes: [])]).bytes())
    for (limit, value) in [(Limit.entries, 1), (.directorySize, 10)] {
      var limits = Limits()
      limits[limit] = value
      let failure = try failure { try ZipDirectory(zip, most: .entries, limits: limits) }
      #expect(failure.advice?.contains("--limit \(limit.rawValue)=N") == true)
    }
  }

  @Test func everyCutIsNoticed() throws {
    let bytes = ZipWriter(records: [.init(name: "a", bytes: [1, 2]), .init(name: "b", bytes: [3])]).bytes()
    for count in 0..<bytes.count {
      #expect(throws: Failure.self) { try ZipDirectory(Bytes(bytes[..<count]), most: .entries, limits: Limits()) }
    }
  }
}
