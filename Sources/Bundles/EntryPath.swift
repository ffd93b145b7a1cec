import Diagnostics

/// A safe path inside a bundle: relative, without `.` and `..`, printable UTF-8.
struct EntryPath: Hashable {
  /// The components, empty for the root itself.
  let components: [String]

  var text: String { components.joined(separator: "/") }

  /// Checks an entry's name in an archive, and drops `./`, `//` and a trailing slash.
  ///
  /// Works on bytes, because to a Swift `String` a slash followed by a combining mark is not a slash.
  ///
  /// - throws: ``Failure`` `badData`, with a separate message for each fault.
  init(checking name: UnsafeRawBufferPointer, limits: Limits) throws {
    func refusal(_ message: String, _ advice: String? = nil) -> Failure {
      Failure(.badData, message, advice: advice ?? "pack the folder again with paths inside it only")
    }
    guard !name.isEmpty else { throw refusal("has an empty name") }
    guard name.count <= limits[.pathLength] else {
      throw Failure(
        beyond: .pathLength, "has a path of \(name.count) bytes, more than the limit of \(limits[.pathLength])")
    }
    guard let text = String(validating: name, as: UTF8.self) else {
      throw refusal("has a name that is not UTF-8", "rename the file and pack it again")
    }
    guard text.unicodeScalars.allSatisfy(\.isPrintable) else {
      throw refusal("has a control character in its name", "rename the file and pack it again")
    }
    guard !hasTooManyCombiningMarks(text) else {
      throw refusal("has a name with more than \(maximumCombiningMarks) combining marks in a row")
    }
    guard !name.contains(UInt8(ascii: "\\")) else {
      throw refusal("has a backslash in its path", "pack it again with a tool that writes forward slashes")
    }
    guard name[0] != UInt8(ascii: "/") else { throw refusal("has an absolute path") }
    if name.count > 1, name[1] == UInt8(ascii: ":"), Character(Unicode.Scalar(name[0])).isLetter {
      throw refusal("has a path with a drive letter")
    }
    let components = name.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
      .filter { $0 != "." }
    // To a Swift String such a mark would make another character of the slash before it.
    guard components.allSatisfy({ ("/" + $0).first == "/" }) else {
      throw refusal("has a name that begins with a combining mark", "rename the file and pack it again")
    }
    guard !components.contains("..") else { throw refusal("has a path that leads upwards") }
    guard components.count <= limits[.pathDepth] else {
      throw Failure(
        beyond: .pathDepth, "is \(components.count) folders deep, more than the limit of \(limits[.pathDepth])")
    }
    self.components = components
  }

  /// Whether this is something that macOS adds to archives and folders by itself.
  var isMacintoshLitter: Bool {
    components.contains("__MACOSX") || components.last == ".DS_Store" || components.last?.hasPrefix("._") == true
  }
}

extension Unicode.Scalar {
  /// Whether a name may contain this: not a control character, line break, or change of writing direction.
  var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
    default: !(0x202A...0x202E).contains(value) && !(0x2066...0x2069).contains(value)
    }
  }
}

extension String {
  /// An untrusted name for a message: unprintable characters are escaped, and long names are cut.
  init(showing name: some Collection<UInt8>) {
    var shown = ""
    for scalar in String(decoding: name.prefix(200), as: UTF8.self).unicodeScalars {
      shown += scalar.isPrintable ? String(scalar) : scalar.escaped(asASCII: true)
    }
    self = name.count > 200 ? shown + "…" : shown
  }
}

/// A note on the number of files that macOS added; nil for 0.
func litterNote(_ count: Int) -> String? {
  switch count {
  case 0: nil
  case 1: "1 file that macOS added (._*, .DS_Store) was not read"
  default: "\(count) files that macOS added (._*, .DS_Store) were not read"
  }
}
