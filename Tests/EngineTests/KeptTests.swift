import Adapters
import JSON
import Models
import Synchronization
import Tensors
import Testing

@testable import Engine

/// Going on from kept keys and values: what is written is what transformers writes with its own cache
/// (Tests/Fixtures/measure/make.py), and losses are those of the whole.
@Suite struct KeptTests {
  static let families = [
    "llama3", "llama-yarn", "mistral", "mistral-full", "qwen2", "qwen2-window", "qwen3", "qwen3-window",
  ]

  private func engine(_ family: String, tuned: Bool, threads: Int = 2, packTokens: Int = 128) throws -> Engine {
    let folder = "\(fixtures)/models/\(family)"
    return try Engine(
      model: LanguageModel(at: folder), adapter: tuned ? adapter(in: "\(folder)/adapter") : nil, threads: threads,
      packTokens: packTokens)
  }

  @Test(arguments: families, [true, false]) func whatIsWrittenIsTransformersToken(_ family: String, tuned: Bool) throws
  {
    let rows = try #require(json("\(fixtures)/measure/continuations.json")[family]?.arrayValue)
    #expect(rows.count >= 4)
    let engine = try engine(family, tuned: tuned)
    for row in rows {
      let (prompt, most) = (try #require(row["prompt"]).ids, try #require(row["new"]?.intValue))
      // The oracle counts the end among the tokens.
      var due = try #require(row[tuned ? "tuned" : "base"]).ids
      let isStopped = due.last == 2
      if isStopped { due.removeLast() }
      let found = try engine.continuations(of: [prompt], most: most, stops: [2])
      #expect(found == [Continuation(tokens: due, end: isStopped ? .stopped : .length)], "\(family) \(prompt.count)")
    }
  }

  @Test(arguments: ["mistral", "qwen3-window"]) func neitherThreadsNorCompanyNorPiecesChangeWhatIsWritten(
    _ family: String
  )
    throws
  {
    // More texts than a thread has under way, of all lengths.
    let prompts = (0..<75).map { place in (0...place % 23).map { Int32(3 + (place * 7 + $0 * 11) % 57) } }
    let due = try engine(family, tuned: true, threads: 1).continuations(of: prompts, most: 12, stops: [2])
    #expect(due.count == prompts.count && due.allSatisfy { $0.tokens.count <= 12 })
    #expect(Set(due.map(\.tokens)).count > 30)
    for (threads, packTokens) in [(2, 128), (3, 1), (4, 40)] {
      let done = Atomic<Int>(0)
      let found = try engine(family, tuned: true, threads: threads, packTokens: packTokens).continuations(
        of: prompts, most: 12, stops: [2]
      ) { done.add(1, ordering: .relaxed) }
      #expect(found == due && done.load(ordering: .relaxed) == prompts.count)
    }
    let alone = try prompts.prefix(5).flatMap {
      try engine(family, tuned: true).continuations(of: [$0], most: 12, stops: [2])
    }
    #expect(alone == Array(due.prefix(5)))
  }

  /// The word that is written next is the one that the whole text makes the likeliest, to the end of the context.
  @Test func theContextEndsWhereTheModelDoes() throws {
    let engine = try engine("mistral-full", tuned: false)
    let prompt = (0..<60).map { Int32(3 + $0 * 5 % 57) }
    let found = try engine.continuations(of: [prompt], most: 100, stops: [])[0]
    #expect(found.end == .context && prompt.count + found.tokens.count == engine.model.shape.maximumLength)
    #expect(try engine.continuations(of: [prompt], most: 2, stops: [found.tokens[0]])[0].end == .stopped)
    #expect(try engine.continuations(of: [], most: 2, stops: []).isEmpty)
  }

  @Test(arguments: families) func lossesOfBranchesAreThoseOfTheWhole(_ family: String) throws {
    let engine = try engine(family, tuned: true)
    let groups: [[EncodedSample]] = (0..<9).map { group in
      let trunk = (0..<1 + group * 5).map { Int32(($0 * 7 + group * 13) % 61) }
      return (1...4).map { choice in
        let own = (0..<choice * 2).map { Int32(($0 * 5 + choice * 17 + group) % 61) }
        return EncodedSample(tokens: trunk + own, labels: trunk.map { _ in EncodedSample.unlearned } + own)
      }
    }
    let found = try engine.losses(ofBranches: groups)
    for (group, branches) in zip(groups, found) {
      for (whole, branch) in zip(try engine.losses(of: group), branches) {
        #expect(abs(loss(whole) - loss(branch)) < 2e-6 * loss(whole) && whole.tokens == branch.tokens)
      }
    }
    for threads in [1, 3] {
      let other = try self.engine(family, tuned: true, threads: threads, packTokens: threads == 1 ? 8 : 200)
      #expect(try other.losses(ofBranches: groups) == found)
    }
  }

  /// Whatever is learned of samples that have nothing in common, or one that is another's beginning, or cannot be measured.
  @Test func branchesNeedNotBeAlike() throws {
    let engine = try engine("qwen2", tuned: true)
    let tokens = (0..<20).map { Int32($0 * 3 % 61) }
    func sample(_ tokens: [Int32], _ learned: Set<Int>) -> EncodedSample {
      EncodedSample(
        tokens: tokens, labels: tokens.enumerated().map { learned.contains($0) ? $1 : EncodedSample.unlearned })
    }
    let group = [
      sample(tokens, [4, 5, 11]), sample(tokens.reversed(), [19]), sample(Array(tokens[..<6]), [3, 5]),
      sample(tokens, []), sample([60, 61], [1]), sample(tokens, Set(1..<20)),
    ]
    let (whole, found) = (try engine.losses(of: group), try engine.losses(ofBranches: [group, []]))
    #expect(found[1].isEmpty)
    for (due, branch) in zip(whole, found[0]) {
      #expect(due.reason == branch.reason && due.tokens == branch.tokens)
      if let value = due.value { #expect(abs(value - (branch.value ?? .nan)) < 2e-6 * value) }
    }
  }
}
