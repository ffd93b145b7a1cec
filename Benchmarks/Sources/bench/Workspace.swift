import Foundation

/// Where inputs are made and outputs go, and which programs are measured.
struct Workspace {
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

  /// `clues merge`, with two threads like the peers.
  func merge(_ label: String, _ inputs: [String], _ options: String) -> Command {
    Command(
      label,
      [clues, "merge"] + inputs + (options.contains("--threads") ? [] : ["--threads", "2"])
        + options.split(separator: " ").map(String.init)
        + ["--quiet", "--output", "\(folder)/merged"], output: "\(folder)/merged")
  }

  /// `clues capture` of some of a client's checkpoints on one thread, into a new folder.
  func capture(_ label: String, _ model: SmallModel, _ samples: String, checkpoints: Int) -> Command {
    let output = "\(folder)/captured"
    return Command(
      label,
      [
        clues, "capture", model.client, "--base", model.base, "--train", samples, "--threads", "1", "--quiet", "-o",
        output,
      ]
        + (1...checkpoints).flatMap { ["--checkpoint", String($0)] }, output: output)
  }

  func peer(_ label: String, _ script: String, _ arguments: [String], output: String? = nil) -> Command? {
    python.map { Command(label, [$0, Self.file("peers/\(script)")] + arguments, output: output) }
  }

  /// How often a command asks for memory.
  func allocations(of command: Command) throws -> Int {
    let (library, count) = ("\(folder)/count_allocations.so", "\(folder)/allocations")
    let source = Self.file("preloads/count_allocations.c")
    _ = try Command("cc", ["/usr/bin/env", "cc", "-shared", "-fPIC", "-O2", "-o", library, source]).run()
    let preload = ["/usr/bin/env", "LD_PRELOAD=\(library)", "COUNT_ALLOCATIONS=\(count)"]
    _ = try Command(command.label, preload + command.arguments, output: command.output).run()
    let text = try String(contentsOfFile: count, encoding: .utf8)
    guard let number = Int(text.trimmingCharacters(in: .newlines)) else {
      throw CommandFailure(description: "\(command.label) did not tell its allocations")
    }
    return number
  }

  /// The path of a file of this package.
  private static func file(_ path: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../\(path)").standardized.path
  }

  func hasModule(_ name: String) -> Bool {
    python.map { (try? Command(name, [$0, "-c", "import \(name)"]).run()) != nil } ?? false
  }

  func hasProgram(_ name: String) -> Bool {
    (try? Command(name, ["/bin/sh", "-c", "command -v \(name)"]).run()) != nil
  }
}
