import Diagnostics
import Models
import Synchronization
import Threads

/// A model's greedy continuation of a prompt.
package struct Continuation: Sendable, Equatable {
  /// Without the stop token.
  package let tokens: [Int32]
  package let end: End

  /// Why it ends.
  package enum End: String, Sendable {
    /// The model wrote a stop token.
    case stopped
    /// It reached the maximum number of tokens.
    case length
    /// The model's context is full.
    case context
    /// The logits were no longer finite.
    case notFinite = "not finite"
  }
}

extension Engine {
  /// The number of texts that a thread writes at a time: the products take as long for this many tokens as for one.
  package static let textsAtOnce = Panels.width

  /// The maximum number of cached tokens per thread, unless a single text has more.
  private static let mostKept = 8192

  /// The greedy continuation of each prompt.
  ///
  /// No text depends on the others or on the number of threads.
  ///
  /// - parameters:
  ///   - prompts: Each of at least one token, in the vocabulary, and no longer than the model allows.
  ///   - most: The maximum number of tokens of a continuation.
  ///   - stops: The tokens that end a text.
  ///   - threads: Nil for those of the engine.
  ///   - done: Called for each finished text, from any thread.
  package func continuations(
    of prompts: [[Int32]], most: Int, stops: Set<Int32>, threads: Int? = nil, done: @Sendable () -> Void = {}
  ) throws -> [Continuation] {
    let threads = threads ?? self.threads
    let longest = (prompts.map(\.count).max() ?? 0) + most
    let queue = Mutex(prompts.indices)
    let written = Mutex([Continuation?](repeating: nil, count: prompts.count))
    let workers = max(1, min(threads, (prompts.count + Self.textsAtOnce - 1) / Self.textsAtOnce))
    _ = try inParallel(workers, threads: threads) { _ in
      var writer = try Writer(engine: self, most: most, stops: stops, longest: longest)
      while true {
        try Interruption.check()
        while writer.texts.count < Self.textsAtOnce {
          let room = Self.mostKept - writer.kept
          let isEmpty = writer.texts.isEmpty
          let place = queue.withLock { queue in
            queue.first.flatMap { isEmpty || prompts[$0].count + most <= room ? queue.popFirst() : nil }
          }
          guard let place else { break }
          try writer.begin(place, behind: prompts[place])
        }
        if writer.texts.isEmpty { break }
        for (place, text) in writer.finished() {
          written.withLock { $0[place] = text }
          done()
        }
        try writer.goOn()
      }
    }
    return written.withLock { $0.compactMap { $0 } }
  }
}

/// One thread's texts, each of which grows by a token per step.
private struct Writer {
  private(set) var texts: [Text] = []
  private let passes: KeptPasses
  private let engine: Engine
  private let most: Int
  private let stops: Set<Int32>

  struct Text {
    let place: Int
    let cache: KeyValueCache
    var tokens: [Int32] = []
    /// The next token; nil if the logits are not finite.
    var next: Int32?
  }

  init(engine: Engine, most: Int, stops: Set<Int32>, longest: Int) throws {
    (self.engine, self.most, self.stops) = (engine, most, stops)
    passes = try KeptPasses(engine, most: max(engine.packTokens, Panels.width), longest: longest)
  }

  /// The number of tokens for which the current texts have room.
  var kept: Int { texts.reduce(0) { $0 + $1.cache.capacity } }

  mutating func begin(_ place: Int, behind prompt: [Int32]) throws {
    let cache = try KeyValueCache(engine.model.shape, capacity: prompt.count + most)
    try passes.keep(prompt.dropLast(), in: cache)
    let step = KeptStep(cache: cache, tokens: prompt.suffix(1), predicting: [0], labels: [0])
    texts.append(Text(place: place, cache: cache, next: try passes.likeliest([step])[0]))
  }

  /// Removes and returns the finished texts.
  mutating func finished() -> [(place: Int, Continuation)] {
    var (over, others): ([(Int, Continuation)], [Text]) = ([], [])
    for text in texts {
      if let end = end(of: text) {
        over.append((text.place, Continuation(tokens: text.tokens, end: end)))
      } else {
        others.append(text)
      }
    }
    texts = others
    return over
  }

  private func end(of text: Text) -> Continuation.End? {
    if text.tokens.count >= most { return .length }
    guard let next = text.next else { return .notFinite }
    if stops.contains(next) { return .stopped }
    return text.cache.count >= engine.model.shape.maximumLength ? .context : nil
  }

  /// Appends the next token of each text, and finds the one after it.
  mutating func goOn() throws {
    guard !texts.isEmpty else { return }
    for place in texts.indices { if let next = texts[place].next { texts[place].tokens.append(next) } }
    let steps = texts.map { KeptStep(cache: $0.cache, tokens: $0.tokens.suffix(1), predicting: [0], labels: [0]) }
    let words = try passes.likeliest(steps)
    for (place, word) in words.enumerated() { texts[place].next = word }
  }
}
