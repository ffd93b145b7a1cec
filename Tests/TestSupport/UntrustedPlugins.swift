import Diagnostics
import Foundation
import JSON
import PluginHost

/// Workers that are the `clues` that was built along with the tests.
public func workerSettings(memory: UInt64 = 4 << 30, time: Duration = .seconds(60)) -> WorkerSettings {
  WorkerSettings(executable: siblingExecutable, memory: memory, time: time)
}

/// Puts the manifest into a plugin's file, as its author does.
///
/// - parameter change: What a liar makes of the manifest.
public func mark(_ plugin: String, _ change: (inout String) -> Void = { _ in }) throws {
  var text = try UntrustedLibrary.manifest(ofUnmarked: plugin, settings: workerSettings()).text(indented: true)
  change(&text)
  try mark(plugin, with: Data(text.utf8))
}

/// Puts any bytes where the manifest belongs.
public func mark(_ plugin: String, with manifest: Data) throws {
  let file = plugin + ".manifest"
  try manifest.write(to: URL(filePath: file))
  defer { try? FileManager.default.removeItem(atPath: file) }
  try output(
    "objcopy",
    [
      "--add-section", "clues_manifest=\(file)", "--set-section-flags", "clues_manifest=noload,readonly", plugin,
      plugin + ".marked",
    ])
  // A new file in the place of the old one: written over, it would change under whoever has it loaded.
  guard rename(plugin + ".marked", plugin) == 0 else { throw Failure(.badData, "\(plugin) cannot be replaced") }
}
