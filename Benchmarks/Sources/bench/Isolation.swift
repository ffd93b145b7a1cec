import Foundation

extension Measurement {
  /// What it costs that a stranger's plugin runs in workers: the example in C, in process and shut in.
  static func isolation(_ place: Workspace, _ report: Report) throws {
    report.title(
      "Isolation: a plugin from elsewhere in workers against the same in process, four modules of 4096 × 4096")
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized.path
    let plugins = "\(place.folder)/plugins"
    try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
    // The list of trusted plugins is one of our own.
    setenv("XDG_CONFIG_HOME", "\(place.folder)/config", 1)
    let project = "\(root)/Examples/plugins/c"
    _ = try Command("make", ["/usr/bin/env", "make", "-s", "-C", project, "CLUES=\(place.clues)"]).run()
    let library = plugins + "/agreement.so"
    try? FileManager.default.removeItem(atPath: library)
    try FileManager.default.copyItem(atPath: project + "/build/agreement.so", toPath: library)
    _ = try Command("trust", [place.clues, "plugins", "trust", library]).run()
    let folders = try place.adapters(.fewLlama, clients: 6)
    let series = try Series(
      ["none", "process"].map { isolation in
        place.merge(
          "isolation \(isolation)", folders,
          "--method agreement-mask --space delta --rank 16 --plugin-dir \(plugins) --isolation \(isolation)")
      }, runs: place.runs)
    report.table(series)
    report.figure("isolation.time", series.ratio(1, to: 0), "time in workers to time in process")
  }
}
