import Foundation

/// Where inputs are made and outputs go, and which programs are measured.
struct Workplace {
  let folder: String
  let clues: String
  /// A Python with torch, PEFT and safetensors; nil leaves the peers out.
  let python: String?
  let runs: Int

  /// The adapters of the first clients as folders.
  func adapters(_ shape: Shape, clients: Int) throws -> [String] {
    try (0..<clients).map { client in
      let path = "\(folder)/\(shape.name)/client-\(client)"
      try shape.write(client: client, to: path)
      return path
    }
  }

  /// The same as archives with this ending; tar and zstd make them.
  func archives(_ shape: Shape, clients: Int, ending: String) throws -> [String] {
    try adapters(shape, clients: clients).map { path in
      let archive = path + ending
      if !FileManager.default.fileExists(atPath: archive) {
        let tar = "tar -C '\(path)' -cf - adapter_config.json adapter_model.safetensors"
        let filter = ending.hasSuffix(".zst") ? " | zstd -q -3" : ""
        _ = try Command(
          "tar", ["/bin/sh", "-c", "\(tar)\(filter) > '\(archive).part' && mv '\(archive).part' '\(archive)'"]
        )
        .run()
      }
      return archive
    }
  }

  /// `clues merge`.
  func merge(_ label: String, _ inputs: [String], _ options: String) -> Command {
    Command(
      label,
      [clues, "merge"] + inputs + options.split(separator: " ").map(String.init)
        + ["--quiet", "--force", "--output", "\(folder)/merged"])
  }

  func peer(_ label: String, _ script: String, _ arguments: [String]) -> Command? {
    let scripts = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../peers").standardized.path
    return python.map { Command(label, [$0, "\(scripts)/\(script)"] + arguments) }
  }

  func hasProgram(_ name: String) -> Bool {
    (try? Command(name, ["/bin/sh", "-c", "command -v \(name)"]).run()) != nil
  }
}
