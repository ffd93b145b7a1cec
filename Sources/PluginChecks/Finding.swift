import JSON

/// The outcome of a check.
public enum CheckStatus: String, Sendable, CaseIterable {
  case success, failed, crashed, skipped, warning

  /// Whether the plugin is unfit for use.
  public var isBad: Bool { self == .failed || self == .crashed }

  /// The weight of a finding among others of the same check.
  fileprivate var weight: Int {
    switch self {
    case .skipped: 0
    case .success: 1
    case .warning: 2
    case .failed: 3
    case .crashed: 4
    }
  }
}

/// What a check found, in one entry of the library or in the library as a whole.
public struct Finding: Sendable, Equatable {
  public let status: CheckStatus
  /// The observation, in one sentence without a full stop; may be empty.
  public let message: String
  /// The entry with the finding; nil for the library.
  public var entry: String?

  static let success = Finding(status: .success, message: "", entry: nil)
  static func success(_ message: String) -> Finding { .init(status: .success, message: message, entry: nil) }
  static func failed(_ message: String) -> Finding { .init(status: .failed, message: message, entry: nil) }
  static func crashed(_ message: String) -> Finding { .init(status: .crashed, message: message, entry: nil) }
  static func warning(_ message: String) -> Finding { .init(status: .warning, message: message, entry: nil) }
  static func skipped(_ message: String) -> Finding { .init(status: .skipped, message: message, entry: nil) }
}

/// All findings of one check.
public struct CheckResult: Sendable {
  public let check: Check
  public let findings: [Finding]

  /// The most severe status of the findings.
  public var status: CheckStatus { findings.map(\.status).max { $0.weight < $1.weight } ?? .skipped }

  var json: JSONValue {
    let advice: JSONValue = status.isBad || status == .warning ? .string(check.advice) : .null
    return .object([
      "id": .string(check.id), "status": .string(status.rawValue), "about": .string(check.about), "advice": advice,
      "findings": .array(
        findings.filter { !$0.message.isEmpty }.map {
          .object([
            "entry": JSONValue($0.entry), "status": .string($0.status.rawValue), "message": .string($0.message),
          ])
        }),
    ])
  }
}
