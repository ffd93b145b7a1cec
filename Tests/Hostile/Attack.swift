import Diagnostics
import Foundation
import TestSupport
import Testing

/// Something that a stranger might hand in, and the error that it must end in.
struct Attack: CustomTestStringConvertible, Sendable {
  let testDescription: String
  /// A telling piece of the message.
  let message: String
  /// What the error must name, if there is something to name: an entry, a tensor, a line.
  let place: Place
  let bytes: @Sendable () throws -> [UInt8]

  enum Place: Sendable {
    case none
    case entry(String)
    case tensor(String)
    case line(Int)
  }

  init(_ name: String, _ message: String, at place: Place = .none, _ bytes: @escaping @Sendable () throws -> [UInt8]) {
    testDescription = name
    self.message = message
    self.place = place
    self.bytes = bytes
  }

  init(_ name: String, _ message: String, at place: Place = .none, text: @escaping @Sendable () -> String) {
    self.init(name, message, at: place) { Array(text().utf8) }
  }

  /// Reads the attack and compares the failure, which must come soon.
  func expectRefusal(
    _ kind: Failure.Kind = .badData, sourceLocation: SourceLocation = #_sourceLocation,
    by read: ([UInt8]) throws -> Void
  ) throws {
    let bytes = try bytes()
    let clock = ContinuousClock()
    var failure: Failure?
    let time = clock.measure {
      failure = #expect(throws: Failure.self, "\(testDescription)", sourceLocation: sourceLocation) { try read(bytes) }
    }
    let found = try #require(failure, sourceLocation: sourceLocation)
    #expect(found.kind == kind, "\(found)", sourceLocation: sourceLocation)
    #expect(found.message.contains(message), "\(found)", sourceLocation: sourceLocation)
    // What a terminal gets is short, however long the names are that the attack brings.
    #expect(found.description.utf8.count < 20_000, sourceLocation: sourceLocation)
    switch place {
    case .none: break
    case .entry(let entry):
      #expect(found.file?.hasSuffix(": \(entry)") == true, "\(found)", sourceLocation: sourceLocation)
    case .tensor(let tensor): #expect(found.tensor == tensor, "\(found)", sourceLocation: sourceLocation)
    case .line(let line): #expect(found.position?.line == line, "\(found)", sourceLocation: sourceLocation)
    }
    // Unoptimized, on a busy machine; those that succeed take hours.
    #expect(time < .seconds(10), "\(testDescription) took \(time)", sourceLocation: sourceLocation)
  }
}

/// Marks of two classes by turns, which Swift must sort before it can compare: time that grows with the square.
func combiningMarks(_ count: Int) -> String { String(repeating: "\u{301}\u{316}", count: count / 2) }
