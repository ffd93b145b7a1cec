import Foundation

let usage = """
  usage: bench --clues PATH [--python PATH] [--work FOLDER] [--runs N] [--thresholds FILE] [MEASUREMENT…]

  Measures `clues` as whole processes, in turn with its peers, and prints medians and ratios.
  Measurements: \(Measurement.all.map(\.name).joined(separator: ", ")); all by default.
  """

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(64)
}

var options: [String: String] = [:]
var names: [String] = []
var rest = CommandLine.arguments.dropFirst()
while let argument = rest.popFirst() {
  if argument.hasPrefix("--") {
    guard ["--clues", "--python", "--work", "--runs", "--thresholds"].contains(argument), let value = rest.popFirst()
    else { fail(usage) }
    options[argument] = value
  } else {
    names.append(argument)
  }
}
guard let clues = options["--clues"], let runs = Int(options["--runs"] ?? "5"), runs > 0,
  names.allSatisfy({ name in Measurement.all.contains { $0.name == name } })
else {
  fail(usage)
}
let workspace = Workspace(
  folder: options["--work"] ?? FileManager.default.temporaryDirectory.appending(path: "clues-bench").path,
  clues: clues, python: options["--python"], runs: runs)
let report = Report()
do {
  for measurement in Measurement.all where names.isEmpty || names.contains(measurement.name) {
    try measurement.carryOut(workspace, report)
  }
  if let thresholds = options["--thresholds"] { exit(try report.keeps(to: thresholds) ? 0 : 1) }
} catch {
  fail("\(error)")
}
