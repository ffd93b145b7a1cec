import Diagnostics

/// The rules for names of clients and domains, which end up in file names and messages.
public enum ClientName {
  static let maximumLength = 128

  /// Refuses a name that is empty, long or unprintable, or could be mistaken for a path.
  ///
  /// - parameters:
  ///   - what: What has the name, for the message: "client" or "domain".
  ///   - kind: `usage` for a name that comes from an option, not from a file.
  public static func check(_ name: String, of what: String, kind: Failure.Kind = .badData) throws {
    func refusal(_ fault: String) -> Failure {
      Failure(
        kind, "gives the \(what) a name that \(fault)",
        advice: "a name has 1 to \(maximumLength) bytes, can be printed and has no slash")
    }
    guard !name.allSatisfy(\.isWhitespace) else { throw refusal("is empty") }
    guard name.utf8.count <= maximumLength else { throw refusal("has \(name.utf8.count) bytes") }
    guard name.unicodeScalars.allSatisfy({ $0.isPrintable && $0 != "/" && $0 != "\\" }), name != ".", name != ".."
    else {
      throw refusal("cannot be used (\(String(showing: Array(name.utf8))))")
    }
  }
}
