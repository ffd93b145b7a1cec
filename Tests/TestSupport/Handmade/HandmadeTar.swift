import Foundation

/// A tar written byte by byte, so that it can say what no honest tool would write. Format: POSIX.1-1988 ustar.
public struct HandmadeTar {
  public var bytes: [UInt8] = []

  public init() {}

  /// Adds an entry; `announced` is the size in the header where that is to differ from the content's.
  public mutating func add(
    _ name: [UInt8], _ content: [UInt8] = [], type: Character = "0", link: String = "", announced: Int? = nil,
    breaksChecksum: Bool = false
  ) {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: some Collection<UInt8>, at offset: Int) {
      header.replaceSubrange(offset..<(offset + text.count), with: text)
    }
    func octal(_ value: Int, digits: Int) -> [UInt8] {
      let text = String(value, radix: 8)
      return Array((String(repeating: "0", count: digits - text.count) + text).utf8)
    }
    put(name.prefix(100), at: 0)
    put(octal(0o644, digits: 7), at: 100)
    put(octal(0, digits: 7), at: 108)
    put(octal(0, digits: 7), at: 116)
    put(octal(announced ?? content.count, digits: 11), at: 124)
    put(octal(0, digits: 11), at: 136)
    put(Array("        ".utf8), at: 148)
    put([type.asciiValue!], at: 156)
    put(Array(link.utf8), at: 157)
    put(Array("ustar\u{0}00".utf8), at: 257)
    let sum = header.reduce(0) { $0 + Int($1) } + (breaksChecksum ? 1 : 0)
    put(octal(sum, digits: 6) + [0, 0x20], at: 148)
    bytes += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  }

  public mutating func add(_ name: String, _ content: String = "x", type: Character = "0", link: String = "") {
    add(Array(name.utf8), type == "0" ? Array(content.utf8) : [], type: type, link: link)
  }

  /// Adds a pax header for the entry that follows.
  public mutating func addPax(_ records: [(key: String, value: [UInt8])], type: Character = "x") {
    var content: [UInt8] = []
    for (key, value) in records {
      let body = Array(" \(key)=".utf8) + value + [0x0A]
      var length = body.count
      while length != body.count + String(length).utf8.count { length = body.count + String(length).utf8.count }
      content += Array(String(length).utf8) + body
    }
    add(Array("PaxHeader/x".utf8), content, type: type)
  }

  public mutating func addPax(_ records: [(key: String, value: String)], type: Character = "x") {
    addPax(records.map { ($0.key, Array($0.value.utf8)) }, type: type)
  }

  /// The bytes with the two blocks of zeros that end a tar.
  public var ended: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

  /// A tar with one file of one byte.
  public static func file(_ name: String) -> [UInt8] {
    var tar = HandmadeTar()
    tar.add(name)
    return tar.ended
  }

  /// A tar with one entry without content.
  public static func entry(_ name: String, type: Character, link: String = "") -> [UInt8] {
    var tar = HandmadeTar()
    tar.add(name, type: type, link: link)
    return tar.ended
  }
}
