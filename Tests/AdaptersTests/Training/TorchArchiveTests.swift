import Diagnostics
import Tensors
import TestSupport
import Testing

@testable import Adapters

@Suite struct TorchArchiveTests {
  private let good = torchFile(Python.dict([]).pickle, storages: [[1, 2]])

  private func message(_ zip: ZipWriter) -> String? { message(zip.bytes()) }

  private func message(_ bytes: [UInt8]) -> String? {
    failure { _ = try PickleReader.read(try TorchArchive(Bytes(bytes))) }?.message
  }

  @Test func readsWhatTorchWrote() throws {
    let file = try Bytes(mapping: fixture("tiny/c0/checkpoint-4/optimizer.pt"))
    let archive = try TorchArchive(file)
    let storage = try archive.record("data/1")
    #expect(storage.bytes.count == 512)
    #expect(storage.bytes.offset(in: file) == 2560)
    for name in ["data.pkl", "data/0", "data/23", "version", ".data/serialization_id"] {
      try archive.record(name).verify()
    }
  }

  @Test func readsZip64() throws {
    var zip = good
    zip.isWide = true
    for index in zip.records.indices { zip.records[index].isWide = true }
    #expect(try TorchArchive(Bytes(zip.bytes())).record("data/0").bytes.count == 8)
    #expect(message(zip) == nil)
  }

  @Test func everyCutIsNoticed() {
    let bytes = good.bytes()
    #expect(message(bytes) == nil)
    for count in 0..<bytes.count {
      #expect(message(Array(bytes.prefix(count))) != nil)
    }
    #expect(message(Array(bytes.dropLast())) == "has no ZIP directory at its end")
    #expect(message([]) == "is empty")
  }

  @Test func changedBytesNeverTrap() throws {
    let random = RandomStream(seed: 1, "changed bytes")
    let file = try Bytes(mapping: fixture("tiny/c0/checkpoint-4/optimizer.pt"))
    let bytes = file.withUnsafeBytes { Array($0) }
    let structure = Array(0..<2000) + Array(bytes.count - 2000..<bytes.count)
    for trial in 0..<1000 {
      var changed = bytes
      let words = random.block(UInt64(trial))
      changed[structure[Int(words.0 % UInt64(structure.count))]] = UInt8(truncatingIfNeeded: words.1)
      _ = failure { _ = try OptimizerState(Bytes(changed)) }
    }
    // Without its checksum, a changed pickle gets as far as it can.
    let names = ["m.layers.0.q_proj.lora_A.weight", "m.layers.0.q_proj.lora_B.weight"]
    let whole = adamFile(shapes: [[2, 3], [3, 2]])
    var survivors = 0
    for trial in 1000..<6000 {
      var changed = whole
      let words = random.block(UInt64(trial))
      changed.records[0].bytes[Int(words.0 % UInt64(whole.records[0].bytes.count))] = UInt8(truncatingIfNeeded: words.1)
      changed.records[0].checksum = 0
      let fault = failure {
        _ = try OptimizerState(Bytes(changed.bytes())).moments(for: [(names[0], [2, 3]), (names[1], [3, 2])])
      }
      if fault == nil { survivors += 1 }
    }
    #expect(survivors > 0 && survivors < 2500)
  }

  @Test func namesWhatTheFileIsInstead() {
    let legacy: [UInt8] = [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    #expect(message(legacy) == "was saved in the old format of PyTorch (before 1.6), which is not supported")
    var tar = [UInt8](repeating: 0, count: 512)
    tar.replaceSubrange(257..<262, with: "ustar".utf8)
    #expect(message(tar) == "is a tar archive, as PyTorch before 0.4 wrote, which is not supported")
    #expect(message(Python.dict([]).pickle) == "is a bare Python pickle and not a file of torch.save")
    #expect(message(Array("hello".utf8)) == "is not a file of torch.save")
  }

  @Test func refusesRecordsThatAreNotPlain() {
    var zip = good
    zip.records[2].name = "optimizer/../../etc/passwd"
    #expect(message(zip) == "has a record named 'optimizer/../../etc/passwd', which leads out of the archive")
    zip = good
    zip.records[2].name = "elsewhere/data/0"
    #expect(message(zip) == "its record 'elsewhere/data/0' is outside the folder 'optimizer/'")
    zip = good
    zip.records[0].name = "data.pkl"
    #expect(message(zip) == "its record 'data.pkl' is not in a folder, so torch.save did not write it")
    zip = good
    zip.records.append(zip.records[2])
    #expect(message(zip) == "has the record 'optimizer/data/0' twice")
    zip = good
    zip.records[2].method = 8
    #expect(message(zip) == "its record 'optimizer/data/0' is compressed, which torch.save never does")
    zip = good
    zip.records[2].flags = 1
    #expect(message(zip) == "its record 'optimizer/data/0' is encrypted")
    zip = good
    zip.records[2].localName = "optimizer/data/7"
    #expect(
      message(zip) == "its entry 'optimizer/data/0' is described differently in the directory and in its own header")
    zip = good
    zip.records[2].size = 1 << 30
    #expect(message(zip) == "its entry 'optimizer/data/0' does not fit into the file")
    zip = good
    zip.records[2].size = 12
    #expect(message(zip) == "its entry 'optimizer/data/0' overlaps the entry 'optimizer/version'")
    #expect(
      message(ZipWriter(records: [])) == "is empty" || message(ZipWriter(records: [])) == "is an empty ZIP archive")
  }

  @Test func refusesBigEndianFiles() {
    var zip = good
    zip.records[1].bytes = Array("big".utf8)
    #expect(message(zip) == "was saved on a big-endian machine")
    zip.records.remove(at: 1)
    #expect(message(zip) == nil)
  }

  @Test func comparesTheChecksumOfThePickle() {
    var zip = good
    zip.records[0].checksum = 1
    #expect(message(zip) == "its record 'data.pkl' is damaged: the checksum does not match")
    zip.records[0].checksum = 0
    #expect(message(zip) == nil)
    zip.records.remove(at: 0)
    #expect(message(zip) == "lacks its record 'data.pkl'")
  }

  @Test func limitsAreSettings() {
    var limits = Limits()
    limits[.records] = 3
    #expect(
      failure { _ = try TorchArchive(Bytes(good.bytes()), limits: limits) }?.message
        == "lists 4 entries, more than the limit of 3")
    limits = Limits()
    limits[.directorySize] = 10
    #expect(failure { _ = try TorchArchive(Bytes(good.bytes()), limits: limits) } != nil)
  }
}

/// The failure that `body` throws, if it does; any other error is a fault of the test's subject.
func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch let failure as Failure {
    return failure
  } catch {
    Issue.record("threw \(error), which is no Failure")
    return nil
  }
}
