import Adapters
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

/// Who is suspected by adapters alone: no client can look innocent, or put another one to shame.
@Suite struct VettingTests {
  private static let honest = (1...5).map { MadeClient(name: "honest-\($0)", seed: UInt64($0), common: 0.6) }

  private func vet(
    _ clients: [MadeClient], threads: Int = 2, settle: (URL) throws -> Void = { _ in }
  ) throws -> Vetting {
    try withTemporaryFolder { folder in
      let paths = try write(clients, below: folder)
      try settle(folder)
      return try Bench(catalog: builtInCatalog(), threads: threads).vet(
        TestMerge(inputs: paths, settings: [("score.scorer", "trajectory")]).recipe, readsCheckpoints: true)
    }
  }

  /// Who stands out, and in what.
  private func trustStatus(_ vetting: Vetting) -> [String: [Peculiarity]] {
    Dictionary(
      uniqueKeysWithValues: vetting.clients.filter { !$0.suspicion.reasons.isEmpty }.map {
        ($0.figures.client, $0.suspicion.reasons.map(\.peculiarity))
      })
  }

  private func some(_ count: Int) -> [MadeClient] { Array(Self.honest.prefix(count)) }

  // MARK: Figures

  @Test func `figures are those of the dense updates`() throws {
    try withTemporaryFolder { folder in
      var clients = some(4) + [MadeClient(name: "noise", seed: 9, isStranger: true, scale: 4)]
      clients[1].alpha = 20
      clients[2].modules = ["layers.0.q_proj", "layers.2.q_proj", "layers.7.q_proj"]
      let paths = try write(clients, below: folder)
      let vetting = try Bench(catalog: builtInCatalog(), threads: 2).vet(
        TestMerge(inputs: paths, settings: [("score.scorer", "trajectory")]).recipe, readsCheckpoints: true)
      let deltas = try paths.map { try deltasOf(readAdapter($0)) }
      let everywhere = Set(deltas.flatMap(\.keys))
      func dot(_ x: [String: [Double]], _ y: [String: [Double]], in names: some Sequence<String>) -> Double {
        names.reduce(0) { sum, name in
          guard let a = x[name], let b = y[name] else { return sum }
          return sum + zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        }
      }
      func cosine(_ x: [String: [Double]], _ y: [String: [Double]], in names: some Sequence<String>) -> Double {
        dot(x, y, in: names) / (dot(x, x, in: names) * dot(y, y, in: names)).squareRoot()
      }
      func average(_ places: [Int]) -> [String: [Double]] {
        var sum: [String: [Double]] = [:]
        for place in places {
          for (name, delta) in deltas[place] { sum[name] = zip(sum[name] ?? delta.map { _ in 0 }, delta).map(+) }
        }
        return sum
      }
      func middle(_ numbers: [Double]) -> Double {
        let sorted = numbers.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
      }
      #expect(vetting.clients.count == 5 && vetting.sharedModules == 3)
      for client in vetting.clients {
        let figures = client.figures
        let place = try #require(clients.firstIndex { $0.name == figures.client })
        let others = (0..<5).filter { $0 != place }
        let norm = dot(deltas[place], deltas[place], in: everywhere).squareRoot()
        #expect(abs(figures.norm - norm) < 1e-5 * norm)
        let pairs = others.map { other in
          cosine(deltas[place], deltas[other], in: Set(deltas[place].keys).intersection(deltas[other].keys))
        }
        // The second of four.
        #expect(abs(try #require(figures.medianCosine) - pairs.sorted(by: >)[1]) < 1e-5)
        let (all, rest) = (average([0, 1, 2, 3, 4]), average(others))
        #expect(
          abs(try #require(figures.cosineWithResult) - cosine(deltas[place], all, in: deltas[place].keys)) < 1e-5)
        let left = try #require(figures.leavingOut)
        #expect(abs(left.with - middle(others.map { cosine(deltas[$0], all, in: everywhere) })) < 1e-5)
        #expect(abs(left.without - middle(others.map { cosine(deltas[$0], rest, in: everywhere) })) < 1e-5)
        for module in figures.differences {
          let owners = others.filter { deltas[$0][module.module] != nil }
          let own = owners.map { cosine(deltas[place], deltas[$0], in: [module.module]) }
          #expect(
            abs(try #require(module.cosine) - own.sorted(by: >)[(owners.count + 1) / 2 - 1]) < 1e-5, "\(module)")
          let norms = owners.map { dot(deltas[$0], deltas[$0], in: [module.module]).squareRoot() }
          let mine = dot(deltas[place], deltas[place], in: [module.module]).squareRoot()
          #expect(abs(try #require(module.ratio) / (mine / exp(middle(norms.map { log($0) }))) - 1) < 1e-5)
        }
        #expect(figures.differences.count == (place == 2 ? 2 : 3))
      }
    }
  }

  @Test func `order, threads and the gauge of the factors play no part`() throws {
    let clients = some(4) + [MadeClient(name: "noise", seed: 9, isStranger: true, scale: 4)]
    let expected = try vet(clients)
    #expect(try vet(clients.reversed()).json == expected.json)
    #expect(try vet(clients, threads: 1).json == expected.json)
    // B·R and R⁻¹·A, R a shear and a scale.
    let turned = try vet(clients) { folder in
      let path = folder.appending(path: "honest-2/adapter_model.safetensors")
      let file = try SafetensorsFile(Bytes(Array(Data(contentsOf: path))))
      var tensors: [String: Tensor] = [:]
      for (name, tensor) in file.tensors {
        var values = try tensor.floats()
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        if name.contains("lora_A") {
          // Row 0 becomes (row 0 − 3·row 1) / 8.
          for column in 0..<columns { values[column] = (values[column] - 3 * values[columns + column]) / 8 }
        } else {
          // Column 1 becomes column 1 + 3·column 0; then column 0 times 8.
          for row in 0..<rows {
            values[row * columns + 1] += 3 * values[row * columns]
            values[row * columns] *= 8
          }
        }
        tensors[name] = Tensor(values, shape: tensor.shape)
      }
      try Data(safetensors(tensors)).write(to: path)
    }
    #expect(turned.clients.map(\.figures.client) == expected.clients.map(\.figures.client))
    for (one, other) in zip(turned.clients, expected.clients) {
      #expect(abs(one.figures.norm / other.figures.norm - 1) < 1e-5)
      #expect(abs((one.figures.medianCosine ?? 9) - (other.figures.medianCosine ?? -9)) < 1e-5)
      #expect(abs((one.suspicion.score ?? 99) - (other.suspicion.score ?? -9)) < 1e-3)
      #expect(one.suspicion.reasons.map(\.peculiarity) == other.suspicion.reasons.map(\.peculiarity))
    }
  }

  // MARK: The innocent

  @Test(arguments: [3, 4, 5]) func `honest clients are not accused`(_ count: Int) throws {
    let vetting = try vet(some(count))
    #expect(trustStatus(vetting).isEmpty, "\(vetting.text())")
    #expect(vetting.text().contains("Nobody stands out."))
    var uneven = some(count)
    uneven[0].scale = 0.5
    uneven[1].scale = 2
    #expect(try trustStatus(vet(uneven)).isEmpty)
  }

  @Test func `the sample bundles are not accused, and their steps are scored`() throws {
    let samples = ["medical.tar.zst", "financial.tar.gz", "multilingual.zip"].map {
      repository.appending(path: "checkpoints/\($0)").path
    }
    let recipe = try TestMerge(inputs: samples, settings: [("score.scorer", "trajectory")]).recipe
    let bench = try Bench(catalog: builtInCatalog(), threads: 2)
    let vetting = try bench.vet(recipe, readsCheckpoints: true)
    #expect(trustStatus(vetting).isEmpty, "\(vetting.text())")
    let scores = try bench.score(recipe).table.rows
    for client in vetting.clients {
      #expect(client.trajectory != nil)
      #expect(client.trajectory == scores.first { $0.client == client.figures.client }?.score.value)
    }
    let final = try bench.vet(recipe, readsCheckpoints: false)
    #expect(final.clients.allSatisfy { $0.trajectory == nil } && !final.text().contains("steps"))
  }

  // MARK: The guilty

  @Test(arguments: [1, 1e-6, 20]) func `noise is named whatever its length`(_ scale: Double) throws {
    let vetting = try vet(some(4) + [MadeClient(name: "noise", seed: 9, isStranger: true, scale: scale)])
    let found = trustStatus(vetting)
    #expect(Array(found.keys) == ["noise"], "\(vetting.text())")
    #expect(found["noise"]?.contains(.direction) == true)
    #expect(found["noise"]?.contains(scale == 1 ? .direction : scale > 1 ? .long : .short) == true)
    #expect(vetting.clients[0].figures.client == "noise" && vetting.clients[0].rank == 1)
  }

  /// Times 20 a client has the average for itself, and gains nothing by it.
  @Test func `who is twenty times as long is named, and what it does to the others`() throws {
    var clients = some(5)
    clients[2].alpha *= 20
    let vetting = try vet(clients)
    #expect(trustStatus(vetting) == ["honest-3": [.long]])
    let left = try #require(vetting.clients[0].figures.leavingOut)
    #expect(left.without > left.with + 0.05)
    #expect(vetting.text().contains("leaving it out takes the median of the others' cosines with the average from"))
    // Directions are what they were.
    let before = try vet(some(5)).clients.map { ($0.figures.client, $0.figures.medianCosine) }
    for (client, cosine) in before {
      let after = vetting.clients.first { $0.figures.client == client }?.figures.medianCosine
      #expect(abs((after ?? 9) - (cosine ?? -9)) < 1e-6)
    }
  }

  @Test func `who turns its update around is named`() throws {
    var clients = some(4)
    clients[1].scale = -1
    let vetting = try vet(clients)
    #expect(trustStatus(vetting) == ["honest-2": [.direction]])
    #expect((vetting.clients[0].figures.medianCosine ?? 0) < 0)
  }

  @Test(arguments: [2, 3, 5]) func `an update of zero is named`(_ count: Int) throws {
    var clients = some(count)
    clients[1].scale = 0
    let vetting = try vet(clients)
    #expect(trustStatus(vetting) == ["honest-2": [.zero]])
    #expect(vetting.clients[0].suspicion.score == .infinity)
    #expect(
      vetting.json.objectValue?["clients"]?.arrayValue?[0].objectValue?["suspicion"]?.objectValue?["score"] == .null)
  }

  @Test(arguments: [1, 20, 0.01]) func `a copy is named at any length, and the copied client is no worse for it`(
    _ factor: Double
  ) throws {
    var copy = Self.honest[0]
    copy.name = "copy"
    copy.alpha *= factor
    let vetting = try vet(some(4) + [copy])
    let found = trustStatus(vetting)
    #expect(found["honest-1"] == [.copy])
    #expect(found["copy"] == (factor == 1 ? [] : [factor > 1 ? .long : .short]) + [.copy])
    #expect(found.count == 2)
    #expect(vetting.text().contains("its update has the direction of 'honest-1': one is a copy of the other"))
    #expect(try trustStatus(vet([Self.honest[0], copy]))["copy"] == [.copy], "two are enough to see it")
  }

  @Test func `copies of noise are no witnesses for each other`() throws {
    let noise = (1...4).map { place in
      MadeClient(name: "noise-\(place)", seed: 9, isStranger: true, scale: Double(place))
    }
    let vetting = try vet(some(3) + noise)
    let found = trustStatus(vetting)
    #expect(Set(found.keys) == Set(noise.map(\.name)), "\(vetting.text())")
    #expect(found.values.allSatisfy { $0.contains(.direction) && $0.contains(.copy) })
  }

  /// Two of five who agree on a direction of their own are each other's only witness.
  @Test func `two colluders are named, and nobody else`() throws {
    let colluders = (1...2).map { place in
      MadeClient(name: "mallory-\(place)", seed: UInt64(20 + place), common: 0.6, sharedSeed: 77)
    }
    let vetting = try vet(some(3) + colluders)
    let found = trustStatus(vetting)
    #expect(Set(found.keys) == ["mallory-1", "mallory-2"], "\(vetting.text())")
    #expect(found.values.allSatisfy { $0 == [.direction] })
  }

  /// Two who imitate a third client are no two witnesses more.
  @Test func `imitators have one voice with the imitated`() throws {
    let imitators = (1...2).map { place in
      MadeClient(name: "ape-\(place)", seed: 1, common: 0.58 + 0.01 * Double(place))
    }
    let vetting = try vet(some(4) + imitators)
    let found = trustStatus(vetting)
    #expect(found == ["honest-1": [.copy], "ape-1": [.copy], "ape-2": [.copy]], "\(vetting.text())")
  }

  /// A copy that is made long must not speak for the client that it is a copy of.
  @Test func `long copies do not make others short`() throws {
    let copies = (1...2).map { place in
      var copy = Self.honest[place - 1]
      copy.name = "copy-\(place)"
      copy.alpha *= 400
      return copy
    }
    let found = try trustStatus(vet(some(4) + copies))
    #expect(found["copy-1"] == [.long, .copy] && found["copy-2"] == [.long, .copy])
    #expect(found["honest-1"] == [.copy] && found["honest-2"] == [.copy] && found.count == 4, "\(found)")
  }

  /// Whatever cosines and norms those have who collude: who is like the other honest clients is not accused.
  @Test func `honest clients are never accused as long as there is one to spare`() {
    let stream = RandomStream(seed: 4, "collusion")
    var place: UInt64 = 0
    func random(_ range: ClosedRange<Double>) -> Double {
      place += 1
      let share = Double(stream.block(place).0 >> 11) / Double(1 << 53)
      return range.lowerBound + share * (range.upperBound - range.lowerBound)
    }
    var accused = 0
    for round in 0..<2000 {
      let count = 4 + round % 7
      let colluding = Int(random(0...Double(count / 2) - 0.001))
      #expect(2 * (colluding + 1) <= count)
      let honest = count - colluding
      // In half of the rounds those who collude are of one mind.
      let mind = round % 2 == 0 ? random(-1...0.97) : nil
      var cosines = [Double?](repeating: 1, count: count * count)
      for i in 0..<count {
        for j in 0..<i {
          let cosine = i < honest ? random(0.5...0.74) : mind ?? random(-1...0.97)
          (cosines[i * count + j], cosines[j * count + i]) = (cosine, cosine)
        }
      }
      let copies = ClientCopies(cosines, count: count)
      let norms = (0..<count).map { $0 < honest ? random(1...2.9) : exp(random(-9...9)) }
      let figures = (0..<count).map { client in
        ClientFigures(
          client: "\(client)", norm: norms[client],
          medianCosine: upperMedian(copies.others(of: client) { cosines[client * count + $0] }))
      }
      let suspicions = OutlierRule.suspicions(of: figures, copies)
      for suspicion in suspicions[..<honest] {
        #expect(suspicion.reasons.isEmpty, "round \(round): \(suspicion), \(figures)")
      }
      accused += suspicions[honest...].count { !$0.reasons.isEmpty }
    }
    #expect(accused > 1000)
  }

  /// The opposite of a client's update makes the mean of the others look away from that client.
  @Test func `nobody is put to shame by its opposite`() throws {
    let clients = (1...4).map { MadeClient(name: "honest-\($0)", seed: UInt64($0), common: 0.45) }
    var opposite = clients[0]
    opposite.name = "opposite"
    opposite.scale = -1
    let vetting = try vet(clients + [opposite])
    #expect(Array(trustStatus(vetting).keys) == ["opposite"], "\(vetting.text())")
    let victim = try #require(vetting.clients.first { $0.figures.client == "honest-1" }).figures
    let others = vetting.clients.filter { $0.figures.client.hasPrefix("honest") }.compactMap(\.figures.cosineWithOthers)
    // By the mean it would be the victim that is odd.
    #expect(try #require(victim.cosineWithOthers) < (others.max() ?? 0) - 0.15)
  }

  @Test func `a client of another domain is named by its direction alone, with the doubt`() throws {
    let other = MadeClient(name: "other", seed: 9, common: 0)
    let vetting = try vet(some(4) + [other])
    #expect(trustStatus(vetting) == ["other": [.direction]], "\(vetting.text())")
    #expect(
      vetting.text().replacing(/\s+/, with: " ").contains("A client with a different kind of data also stands out"))
  }

  /// An anchor client is a witness that nobody can bend; it is not ranked itself.
  @Test func `steps are held against those of anchors`() throws {
    try withTemporaryFolder { folder in
      let noise = MadeClient(name: "noise", seed: 9, isStranger: true)
      let clients = some(4) + [noise, MadeClient(name: "trusted", seed: 30, common: 0.6)]
      for client in clients {
        for (step, scale) in [(10, 0.5), (20, 1)] {
          var state = client
          state.scale = scale
          try state.write(below: folder, as: "\(client.name)/checkpoint-\(step)")
        }
      }
      let merge = TestMerge(
        inputs: clients.map { folder.appending(path: $0.name).path },
        settings: [("score.scorer", "trajectory"), ("clients.5.anchor", "true")])
      let vetting = try Bench(catalog: builtInCatalog(), threads: 2).vet(merge.recipe, readsCheckpoints: true)
      #expect(vetting.anchors == ["trusted"] && vetting.clients.count == 5)
      #expect(trustStatus(vetting) == ["noise": [.direction, .trajectory]], "\(vetting.text())")
      #expect(vetting.clients.allSatisfy { $0.trajectory != nil })
      #expect(vetting.text().replacing(/\s+/, with: " ").contains("steps: the score of `trajectory`, against trusted."))
      // Without an anchor the score goes by all clients, and accuses nobody.
      let all = try Bench(catalog: builtInCatalog(), threads: 2).vet(
        TestMerge(inputs: merge.inputs, settings: [("score.scorer", "trajectory")]).recipe, readsCheckpoints: true)
      #expect(trustStatus(all) == ["noise": [.direction]] && all.clients.allSatisfy { $0.trajectory != nil })
    }
  }

  @Test func `a change hidden in one of many modules is named with the module`() throws {
    let modules = (0..<48).map { "layers.\($0).q_proj" }
    var clients = some(4)
    for place in clients.indices { clients[place].modules = modules }
    let vetting = try vet(clients) { folder in
      let path = folder.appending(path: "honest-4/adapter_model.safetensors")
      let file = try SafetensorsFile(Bytes(Array(Data(contentsOf: path))))
      var tensors = file.tensors
      let name = "base_model.model.layers.5.q_proj.lora_B.weight"
      let small = try #require(tensors[name])
      tensors[name] = Tensor(try small.floats().map { $0 * 11 }, shape: small.shape)
      try Data(safetensors(tensors)).write(to: path)
    }
    let client = try #require(vetting.clients.first)
    #expect(trustStatus(vetting) == ["honest-4": [.module]], "\(vetting.text())")
    #expect(client.figures.client == "honest-4" && client.figures.differences.first?.module == "layers.5.q_proj")
  }

  // MARK: What is refused, and what is said

  @Test func `one client cannot be held against others`() throws {
    let failure = try failure { try vet(some(1)) }
    #expect(failure.kind == .usage && failure.message.contains("there is one client"))
  }

  @Test func `adapters of different layers are refused by name`() throws {
    var clients = some(3)
    clients[2].inputs = 20
    let failure = try failure { try vet(clients) }
    #expect(failure.kind == .badData && failure.client == "honest-3" && failure.tensor != nil, "\(failure)")
  }

  @Test func `clients that share no module are not compared`() throws {
    var clients = some(3)
    clients[2].modules = ["layers.9.q_proj"]
    let vetting = try vet(clients)
    let alone = try #require(vetting.clients.first { $0.figures.client == "honest-3" })
    #expect(alone.figures.medianCosine == nil && alone.figures.differences.isEmpty)
    #expect(trustStatus(vetting).isEmpty && vetting.notes.contains { $0.text.contains("shares no module") })
  }

  @Test func `the ranking fits a terminal`() throws {
    let vetting = try vet(
      some(4) + [
        MadeClient(name: "a-name-that-is-rather-long-for-a-table", seed: 9, isStranger: true, scale: 6)
      ])
    let text = vetting.text(PageLayout(columns: 80, shortensNames: true))
    for line in text.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    #expect(text.contains("stands out:") && text.contains("  - its norm is "))
  }

  @Test func `copies are found by nearness, and like clients are none`() {
    func copies(_ cosines: [(Int, Int, Double)], _ count: Int) -> [Int] {
      var all = [Double?](repeating: nil, count: count * count)
      for (i, j, cosine) in cosines { (all[i * count + j], all[j * count + i]) = (cosine, cosine) }
      return ClientCopies(all, count: count).first
    }
    #expect(copies([(0, 1, 0.999_999)], 2) == [0, 0])
    #expect(copies([(0, 1, 0.995)], 2) == [0, 1])
    #expect(copies([(0, 1, 0.995), (0, 2, 0.5), (1, 2, 0.5)], 4) == [0, 0, 2, 3])
    #expect(copies([(0, 1, 0.995), (0, 2, 0.98), (1, 2, 0.98)], 3) == [0, 1, 2])
    #expect(copies([(0, 1, 0.98), (0, 2, 0.5), (1, 2, 0.5)], 3) == [0, 1, 2])
    // Three who are nearly one, and one that is near to only one of them.
    let three = [(0, 1, 0.995), (0, 2, 0.996), (1, 2, 0.994)]
    #expect(copies(three + [(0, 3, 0.6), (1, 3, 0.5), (2, 3, 0.6)], 6) == [0, 0, 0, 3, 4, 5])
    #expect(copies(three + [(0, 3, 0.97), (1, 3, 0.5), (2, 3, 0.6)], 6) == [0, 1, 2, 3, 4, 5])
    #expect(copies(three + [(0, 3, 0.6), (1, 3, 0.5), (2, 3, 0.6)], 5) == [0, 1, 2, 3, 4], "they are the majority")
    #expect(copies([(0, 1, 0.2), (1, 2, 1), (2, 3, 1), (1, 3, 1), (0, 2, 0.2), (0, 3, 0.2)], 4) == [0, 1, 1, 1])
  }
}
