import Diagnostics
import Testing

/// The failure that `body` throws; anything else fails the test.
public func failure(_ body: () throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation) throws -> Failure
{
  try #require(throws: Failure.self, sourceLocation: sourceLocation) { _ = try body() }
}

/// Expects that `body` refuses for this reason: another failure, from set-up say, is of another kind or has other words.
public func expectFailure(
  _ kind: Failure.Kind, _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws -> some Any
) {
  let failure = #expect(throws: Failure.self, sourceLocation: sourceLocation) { _ = try body() }
  guard let failure else { return }
  #expect(failure.kind == kind, "\(failure)", sourceLocation: sourceLocation)
  #expect(failure.message.contains(words), "\(failure)", sourceLocation: sourceLocation)
}
