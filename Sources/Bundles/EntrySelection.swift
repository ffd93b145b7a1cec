import Diagnostics
import Tensors

/// What the single pass over a bundle reads, decided before it is known whether a folder wraps everything.
///
/// A path is therefore interpreted both with its first folder and without. If one adapter is wanted, an earlier checkpoint's is
/// released as soon as a later one is read, so that only one is in memory.
struct EntrySelection {
  let parts: Set<Part>
  let choice: AdapterChoice
  let limits: Limits

  private(set) var entries: [BundleEntry] = []
  private(set) var contents: [String: Bytes] = [:]
  private var latest: [String: Latest] = [:]
  private var rootsWithAdapter: Set<String> = []

  /// The checkpoint whose adapter is in memory, and its paths, for one root folder.
  private struct Latest {
    var step: Int
    var paths: [String]
  }

  init(parts: Set<Part>, choice: AdapterChoice, limits: Limits) {
    self.parts = parts
    self.choice = choice
    self.limits = limits
  }

  mutating func wants(_ entry: BundleEntry) throws -> Bool {
    let components = entry.path.split(separator: "/").map(String.init)
    var readings = [("", KnownFile(components))]
    if components.count > 1, CheckpointFolder(components[0]) == nil {
      readings.append((components[0], KnownFile(components.dropFirst())))
    }
    var isWanted = false
    for case (let root, let file?) in readings where wants(file, under: root, path: entry.path) { isWanted = true }
    if isWanted, entry.path.hasSuffix(".json"), entry.size > limits[.jsonSize] {
      throw Failure(
        beyond: .jsonSize, "has \(entry.size) bytes, more than the limit of \(limits[.jsonSize]) for JSON")
    }
    return isWanted
  }

  mutating func take(_ entry: BundleEntry, _ content: Bytes?) {
    entries.append(entry)
    if let content { contents[entry.path] = content }
  }

  private mutating func wants(_ file: KnownFile, under root: String, path: String) -> Bool {
    if file.kind == .manifest { return true }
    guard let part = file.part else { return false }
    if file.checkpoint == nil, file.kind == .adapterWeights(adapter: AdapterFiles.defaultName), choice.name == nil {
      rootsWithAdapter.insert(root)
      if choice.checkpoint == nil { letGo(latest.removeValue(forKey: root)) }
    }
    if parts.contains(part) { return true }
    guard part == .adapters, parts.contains(.adapter), let step = file.checkpoint?.step else {
      // The root of a single checkpoint: its adapter is both the checkpoint's and the client's.
      return part == .adapter && parts.contains(.adapters)
    }
    if case .step(let chosen)? = choice.checkpoint { return step == chosen }
    guard choice.checkpoint == .last || !rootsWithAdapter.contains(root) else { return false }
    var held = latest[root] ?? Latest(step: step, paths: [])
    guard step >= held.step else { return false }
    if step > held.step {
      letGo(held)
      held = Latest(step: step, paths: [])
    }
    held.paths.append(path)
    latest[root] = held
    return true
  }

  private mutating func letGo(_ held: Latest?) {
    for path in held?.paths ?? [] { contents[path] = nil }
  }
}
