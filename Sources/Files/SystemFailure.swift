import Diagnostics
import Glibc

/// The system's message for the last error.
public func systemMessage() -> String { String(cString: strerror(errno)) }

extension Failure {
  /// What the system just refused, and why.
  ///
  /// If it is short of memory or descriptors, neither the path nor the disk is to blame, and the failure has the kind
  /// `noResources`.
  public init(system kind: Kind, _ what: String, advice: String? = nil, file: String? = nil) {
    let code = errno
    self.init(kind, "\(what): \(String(cString: strerror(code)))", advice: advice, file: file)
    switch code {
    case EMFILE, ENFILE:
      self.kind = .noResources
      self.advice = "allow more open files (ulimit -n), or use fewer threads (--threads)"
    case ENOMEM, EAGAIN:
      self.kind = .noResources
      self.advice = "end other programs, raise the limits on memory and processes (ulimit -v, -u), or use fewer threads"
    default: break
    }
  }

  /// Why an output, or a file of it, could not be written, from the last system error.
  package static func cannotWrite(_ file: String) -> Failure {
    Failure(system: .cannotWrite, cannotBeWritten, advice: roomAdvice, file: file)
  }

  /// The same for a reason from elsewhere than the system.
  package static func cannotWrite(_ file: String, because reason: String) -> Failure {
    Failure(.cannotWrite, "\(cannotBeWritten): \(reason)", advice: roomAdvice, file: file)
  }

  private static let cannotBeWritten = "cannot be written"
  private static let roomAdvice = "check that the folder exists, its permissions and the free space"

  /// The refusal of an output that would replace something.
  ///
  /// - parameter what: What is there, such as "the output folder".
  package static func exists(
    _ what: String = "the output", at file: String, advice: String = "choose another name, or replace it with --force"
  ) -> Failure {
    Failure(.cannotWrite, "\(what) exists already", advice: advice, file: file)
  }
}
