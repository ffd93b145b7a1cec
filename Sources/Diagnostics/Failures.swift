/// Collects faults in several independent places, so that a user can fix all of them at once.
public struct Failures {
  private var list: [Failure] = []

  public init() {}

  public var isEmpty: Bool { list.isEmpty }

  public mutating func add(_ failure: Failure) { list += failure.all }

  /// Runs `body` and keeps the ``Failure`` that it throws; other errors are rethrown.
  @discardableResult
  public mutating func attempt<Result>(_ body: () throws -> Result) throws -> Result? {
    do {
      return try body()
    } catch let failure as Failure {
      add(failure)
      return nil
    }
  }

  /// Runs `body` for every element and keeps the failures; returns the results of the others.
  public mutating func map<Element, Result>(
    _ elements: some Sequence<Element>, _ body: (Element) throws -> Result
  ) throws -> [Result] {
    try elements.compactMap { element in try attempt { try body(element) } }
  }

  /// Throws all kept failures as one, in the order of the file; its kind is that of the first.
  public func throwIfAny() throws {
    let sorted = list.enumerated().sorted { a, b in
      guard let first = a.element.position, let second = b.element.position else { return a.offset < b.offset }
      return (first.line, first.column, a.offset) < (second.line, second.column, b.offset)
    }
    guard var first = sorted.first?.element else { return }
    first.others = sorted.dropFirst().map(\.element)
    throw first
  }
}
