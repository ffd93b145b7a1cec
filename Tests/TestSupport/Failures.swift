import Diagnostics
import Testing

/// The failure that `body` throws; anything else fails the test.
public func failure(_ body: () throws -> some Any, sourceLocation: SourceLocation = #_sourceLocation) throws -> Failure
{
  try #require(throws: Failure.self, sourceLocation: sourceLocation) { _ = try body() }
}
