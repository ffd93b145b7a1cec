import Diagnostics
import Foundation
import JSON
import Tensors
import TestSupport
import Testing

@testable import Merging
@testable import Runs
@testable import Scoring
@testable import clues

/// Who stands out from the other clients, and who does not.
@Suite struct OutlierTests {
  private static func figures(_ norms: [Double], _ cosines: [Double?]) -> [ClientFigures] {
    zip(norms, cosines).enumerated().map { index, one in
      ClientFigures(
        client: "c\(index)", norm: one.0, medianCosine: one.1)
    }
  }

  @Test(
    arguments: [
      // Four to eight times the norm of the others, who may differ by two.
      ([1, 1.3, 0.9, 1.1, 4.5], [0.7, 0.7, 0.7, 0.7, 0.7], [[], [], [], [], [.long]]),
      ([1, 2, 8], [0.5, 0.5, 0.5], [[], [], [.long]]),
      ([1, 1, 1, 1, 8, 8], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [[], [], [], [], [.long], [.long]]),
      ([1, 1, 0.1], [0.5, 0.5, 0.5], [[], [], [.short]]),
      ([1, 1, 1], [0.5, 0.5, 0.01], [[], [], [.direction]]),
      ([1, 1, 20], [0.5, 0.5, -0.01], [[], [], [.long, .direction]]),
      // The others have nothing between them: their MAD is 0.
      ([1, 1, 1, 3.1], [0.5, 0.5, 0.5, 0.26], [[], [], [], [.long]]),
      ([1, 1, 1, 2.9], [0.5, 0.5, 0.5, 0.26], [[], [], [], []]),
      // The others differ so much that nobody can be told from them.
      ([1, 4, 16, 64, 200], [0.9, 0.6, 0.3, 0.1, 0], [[], [], [], [], []]),
      // Two clients have nobody to be held against, and one is alone.
      ([1, 100], [0.9, 0.9], [[], []]), ([7], [nil], [[]]),
      // A zero has no length to be compared by, and no direction.
      ([1, 1.2, 0], [0.8, 0.8, nil], [[], [], [.zero]]),
    ] as [([Double], [Double?], [[Peculiarity]])])
  func `by the rule`(_ norms: [Double], _ cosines: [Double?], _ expected: [[Peculiarity]]) {
    func found(_ norms: [Double]) -> [[Peculiarity]] {
      let none = ClientCopies(Array(repeating: nil, count: norms.count * norms.count), count: norms.count)
      return OutlierRule.suspicions(of: Self.figures(norms, cosines), none).map { $0.reasons.map(\.peculiarity) }
    }
    #expect(found(norms) == expected)
    // The unit that norms are in plays no part.
    #expect(found(norms.map { $0 * 1e-9 }) == expected)
  }

  @Test func `the rule is documented`() throws {
    let text = try String(contentsOf: repository.appending(path: "Documentation/Merging.md"), encoding: .utf8)
      .replacing(/\s+/, with: " ")
    #expect(text.contains("With three or more clients") && OutlierRule.leastClients == 3)
    #expect(text.contains("\(Int(OutlierRule.deviations)) times their scaled MAD"))
    #expect(text.contains("more than \(Int(OutlierRule.leastRatio)) times the median"))
    #expect(text.contains("more than \(OutlierRule.leastDrop) below it"))
  }

  private static let honest = (1...4).map { MadeClient(name: "honest-\($0)", seed: UInt64($0), common: 0.7) }

  private func notes(
    _ clients: [MadeClient], _ settings: [(path: String, value: String)] = [("merge.method", "average")]
  ) throws -> [Note] {
    try withTemporaryFolder { folder in
      try TestMerge(inputs: write(clients, below: folder), settings: settings).result().record.notes
    }
  }

  private func warnings(_ notes: [Note]) -> [String] {
    notes.filter { $0.severity == .warning && ($0.text.contains("stands out") || $0.text.contains("changes nothing")) }
      .map(\.text)
  }

  @Test(arguments: ["average", "ties", "median", "krum"])
  func `a client that was trained on noise is named`(_ method: String) throws {
    let noise = MadeClient(name: "noise", seed: 9, isStranger: true, scale: 6)
    let found = try warnings(notes(Self.honest + [noise], [("merge.method", method)]))
    try #require(found.count == 1)
    #expect(found[0].hasPrefix("client 'noise' stands out: its norm is "))
    #expect(found[0].contains(" times the median of the others; the median"))
    #expect(found[0].contains("the median of its cosines with the others is "))
    #expect(found[0].hasSuffix("--without noise"))
  }

  @Test func `noise of the usual length stands out by its direction`() throws {
    let found = try warnings(notes(Self.honest + [MadeClient(name: "no ise", seed: 9, isStranger: true)]))
    try #require(found.count == 1)
    #expect(!found[0].contains("norm") && found[0].contains("the median of its cosines"))
    #expect(found[0].hasSuffix("--without 'no ise'"))
  }

  @Test func `alpha times twenty stands out by its length`() throws {
    var clients = Self.honest
    clients[1].alpha *= 20
    let found = try warnings(notes(clients))
    try #require(found.count == 1)
    #expect(found[0].contains("'honest-2' stands out: its norm is ") && !found[0].contains("cosine"))
  }

  /// Where many clients are compared in some modules, norms are still those of all.
  @Test func `a module that is far too long is named, compared or not`() throws {
    var clients = (1...9).map { MadeClient(name: "c\($0)", seed: UInt64($0), common: 0.7) }
    for index in clients.indices { clients[index].modules = (0..<50).map { "layers.\($0).q_proj" } }
    let all = try withTemporaryFolder { folder in
      let paths = try write(clients, below: folder)
      var loud = clients[3]
      (loud.name, loud.scale, loud.modules) = ("loud", 13, ["layers.25.q_proj"])
      try loud.write(below: folder)
      var files = try [paths[3], folder.appending(path: "loud").path].map { path in
        try SafetensorsFile(
          Bytes(Array(Data(contentsOf: URL(filePath: path + "/adapter_model.safetensors"))))
        ).tensors
      }
      files[0].merge(files[1]) { $1 }
      try Data(safetensors(files[0])).write(to: URL(filePath: paths[3] + "/adapter_model.safetensors"))
      return try TestMerge(inputs: paths, settings: [("merge.method", "average")]).result().record
    }
    #expect(all.merge?.modules.first { $0.module == "layers.25.q_proj" }.map { $0.innerProducts == nil } == true)
    let found = warnings(all.notes)
    try #require(found.count == 1, "\(found)")
    #expect(found[0].hasPrefix("client 'c4' stands out: in layers.25.q_proj its norm is 1"), "\(found)")
  }

  @Test func `honest clients do not stand out`() throws {
    #expect(try warnings(notes(Self.honest)).isEmpty)
    #expect(try warnings(notes(Array(Self.honest.prefix(3)))).isEmpty)
    // Half and twice as long as the others.
    var clients = Self.honest
    clients[0].scale = 0.5
    clients[3].scale = 2
    #expect(try warnings(notes(clients)).isEmpty)
    let samples = ["medical.tar.zst", "financial.tar.gz", "multilingual.zip"].map {
      repository.appending(path: "checkpoints/\($0)").path
    }
    let record = try TestMerge(inputs: samples, settings: [("merge.method", "average")]).result().record
    #expect(warnings(record.notes).isEmpty)
  }

  @Test func `two clients are not held against each other`() throws {
    let noise = MadeClient(name: "noise", seed: 9, isStranger: true, scale: 6)
    #expect(try warnings(notes([Self.honest[0], noise])).isEmpty)
  }

  @Test func `an update of zero is named`() throws {
    var clients = Array(Self.honest.prefix(2))
    clients[1].scale = 0
    #expect(try warnings(notes(clients)) == ["client 'honest-2' changes nothing: its update is zero"])
  }

  @Test func `one that hardly moved is worth a note, not a warning`() throws {
    var clients = Self.honest
    clients[2].scale = 0.05
    let all = try notes(clients)
    #expect(warnings(all).isEmpty)
    #expect(
      all.contains {
        $0.severity == .info && $0.text.contains("'honest-3' stands out: the median of the others' norms is ")
      })
  }

  // MARK: What linear methods made of the clients

  private func coefficients(_ notes: [Note]) -> [String] {
    notes.map(\.text).filter { $0.contains(" uses ") || $0.contains("the coefficient 0") }
  }

  @Test func `krum says whom it took`() throws {
    let noise = MadeClient(name: "noise", seed: 9, isStranger: true, scale: 6)
    let one = try coefficients(notes(Array(Self.honest.prefix(3)) + [noise], [("merge.method", "krum")]))
    try #require(one.count == 1)
    #expect(one[0].hasPrefix("'krum' uses the update of 'honest-") && one[0].contains("'noise'"))
    let many = try coefficients(
      notes(Self.honest + [noise], [("merge.method", "multi-krum"), ("merge.parameters.f", "1")]))
    try #require(many.count == 1)
    #expect(many[0].hasPrefix("'multi-krum' uses the updates of ") && many[0].contains("leaves out"))
    #expect(many[0].components(separatedBy: "leaves out")[1].contains("'noise'"))
  }

  @Test func `a choice that differs by module says how often`() throws {
    let varied = (1...4).map { MadeClient(name: "c\($0)", seed: UInt64($0), common: 0) }
    let found = try coefficients(
      notes(varied, [("merge.method", "krum"), ("merge.parameters.scope", "matrix")]))
    try #require(found.count == 1)
    #expect(found[0].hasPrefix("'krum' uses ") && (found[0].contains(" in 1 of 3") || found[0].contains("leaves out")))
  }

  @Test func `methods that take all have nothing to say`() throws {
    for method in ["average", "karcher", "model-stock"] {
      #expect(try coefficients(notes(Self.honest, [("merge.method", method)])).isEmpty)
    }
  }

  @Test func `coefficients are in the record, per module where they differ`() throws {
    try withTemporaryFolder { folder in
      let paths = try write(Self.honest, below: folder)
      func merge(_ method: String) throws -> RunOutcome {
        try TestMerge(
          inputs: paths, settings: [("merge.method", method)] + (0..<4).map { ("clients.\($0).weight", "\($0 + 1)") }
        ).result().record
      }
      let average = try merge("average")
      for module in try #require(average.merge).modules { #expect(module.coefficients == [0.1, 0.2, 0.3, 0.4]) }
      #expect(average.summary().contains("coefficient"))
      let karcher = try merge("karcher")
      let ranges = try #require(karcher.merge).figures.compactMap(\.coefficients)
      #expect(ranges.count == 4 && ranges.contains { $0.lowerBound < $0.upperBound })
      #expect(karcher.summary().contains(" to "))
      let ties = try merge("ties")
      #expect(try #require(ties.merge).figures.allSatisfy { $0.coefficients == nil })
      #expect(!ties.summary().contains("coefficient"))
      let modules = try #require(ties.json.objectValue?["merge"]?.objectValue?["modules"]?.arrayValue)
      #expect(modules.allSatisfy { $0.objectValue?["coefficients"] == .null })
    }
  }

  // MARK: Weight 0

  private func weightless(_ method: String, own: Bool = false) throws -> [String] {
    var clients = Array(Self.honest.prefix(3))
    if own { clients[2].modules.append("layers.9.q_proj") }
    let weights = ["1", "1", "0"].enumerated().map { (path: "clients.\($0).weight", value: $1) }
    return try notes(clients, [("merge.method", method)] + weights).map(\.text).filter { $0.contains("has weight 0") }
  }

  @Test(arguments: ["ties", "median", "dare-ties", "karcher"])
  func `weight 0 is not leaving out where the method still surveyedModuleCount`(_ method: String) throws {
    let found = try weightless(method)
    try #require(found.count == 1)
    #expect(
      found[0].hasPrefix("client 'honest-3' has weight 0") && found[0].hasSuffix("--without honest-3 leaves it out")
    )
  }

  @Test(arguments: ["average", "task-arithmetic"])
  func `weight 0 is leaving out where only the sum counts`(_ method: String) throws {
    #expect(try weightless(method).isEmpty)
    #expect(try weightless(method, own: true).first?.contains("the module that only this client has") == true)
  }
}
