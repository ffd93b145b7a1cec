import Adapters
import Bundles
import Diagnostics
import Files
import Foundation
import Recipes
import Scoring
import SystemPackage

/// A client of a run: its bundle, opened, and its adapter, read.
package struct Client: Sendable {
  /// The client's index in the recipe.
  package let place: Int
  package let name: String
  package let bundle: Bundles.Bundle
  package let adapter: Adapter?
  /// The digest of the bundle; empty until all bundles are open.
  package var sha256 = ""
  /// Whether it was trained on anchor data: it is a reference for scores, and is not merged.
  package let isAnchor: Bool

  /// Opens the bundle that the recipe names.
  ///
  /// - parameters:
  ///   - wanted: The parts to read; nil for those needed to merge, or to score.
  ///   - progress: Receives how many bytes of it are decoded.
  package init(
    _ recipe: Recipe, place: Int, scoring: Bool, wanting wanted: Set<Part>? = nil, limits: Limits,
    progress: @escaping ReadingProgress
  ) throws {
    let entry = recipe.clients[place].value
    isAnchor = entry.anchor?.value ?? false
    let checkpoint = entry.checkpoint.map { CheckpointChoice($0.value) }
    let path = recipe.input(entry.path)
    let countsSamples = recipe.weights?.value == .samples
    let merging: Set<Part> = countsSamples ? [.adapter, .samples, .ledger] : [.adapter, .samples]
    let parts = wanted ?? (scoring ? ClientEvidence.parts(for: path) : merging)
    let bundle = try Self.advising(about: entry.path.value, at: path) {
      try Bundles.Bundle.open(
        path, wanting: parts, adapter: entry.adapter?.value, checkpoint: checkpoint, limits: limits, progress: progress)
    }
    let name = entry.name?.value ?? bundle.client
    adapter = try locating(client: name) {
      try bundle.adapter.flatMap { files in
        guard parts.contains(.adapter) else { return nil }
        return try files.adapter()
      }
    }
    self.place = place
    self.name = name
    self.bundle = bundle
  }
}

extension Client {
  /// Runs `body` and adds advice about a missing path that looks like a name on the Hugging Face Hub.
  private static func advising<Result>(about written: String, at path: String, _ body: () throws -> Result) throws
    -> Result
  {
    do {
      return try body()
    } catch var failure as Failure where failure.kind == .missingInput && !FilePath(path).exists {
      failure.advice = HubName(written)?.advice ?? failure.advice
      throw failure
    }
  }
}

extension CheckpointChoice {
  fileprivate init(_ checkpoint: Recipe.Checkpoint) {
    switch checkpoint {
    case .step(let step): self = .step(step)
    case .last: self = .last
    }
  }
}

extension [Client] {
  /// Refuses two clients with the same name: their samples and weights could not be told apart.
  func checkNames(_ recipe: Recipe) throws {
    var seen: [String: Client] = [:]
    for client in self {
      if let other = seen.updateValue(client, forKey: client.name) {
        let pair = twoSpellings(among: [other.name, client.name])
        let spellings = pair.map { ", spelled '\(escaped($0.first))' and '\(escaped($0.second))'" } ?? ""
        throw recipe.failure(
          "two clients are called '\(client.name)'\(spellings): \(other.bundle.path) and \(client.bundle.path)",
          at: recipe.clients[client.place].origin,
          advice: recipe.file.isEmpty
            ? "give each input a name, in order: --client NAME --client NAME; or rename one of them"
            : "give one of them another name with 'name:'")
      }
    }
  }
}
