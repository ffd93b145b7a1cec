import CluesPluginABI
import Diagnostics
import Foundation
import JSON
import PluginHost

extension Check {
  /// The state of a library before any of its functions is called.
  static let loading: [Check] = [
    .library(
      "loads", "It loads, resolves all symbols that it needs, and has the entry function.",
      advice: "build it for this system, and link everything that it needs",
      crash: "a constructor of the library, or of one that it needs, does this"
    ) { context in
      _ = try context.open()
      return .success
    },
    .library(
      "tables", "Its tables are complete, and their parameters are declared as the contract requires.",
      advice: "set every struct_size, and see what the header says about the struct named here"
    ) { context in
      let library = try context.library()
      for kind in PluginDescription.Kind.allCases {
        let ids = library.entries.filter { $0.kind == kind }.map(\.id)
        if let id = ids.first(where: { id in ids.count { $0 == id } > 1 }) {
          return .failed("holds more than one \(kind.rawValue) '\(id)'")
        }
      }
      return library.entries.isEmpty ? .failed("holds no merge method, scorer or threshold rule") : .success
    },
    .library(
      "one-symbol", "It exports the entry function and no other symbol.",
      advice: "compile with -fvisibility=hidden and link with a version script: see Documentation/PluginABI.md"
    ) { context in
      // Some linkers export these from every library.
      let ofLinkers = ["_init", "_fini", "_edata", "_end", "__bss_start"]
      let others = try exportedSymbols(of: context.code).filter {
        $0 != CLUES_PLUGIN_ENTRY && !ofLinkers.contains($0)
      }
      guard let first = others.first else { return .success }
      let more = others.count > 1 ? " and \(others.count - 1) more symbols" : ""
      return .failed(
        "exports '\(first)'\(more) in addition to \(CLUES_PLUGIN_ENTRY): if the host has one of that name, the plugin may "
          + "call the host's instead of its own")
    },
    .library(
      "contract-version", "It was built for a version of the contract that this host knows.",
      advice: "build it against the clues_plugin.h of this host, or check it with a newer Clues"
    ) { context in
      let minor = try context.library().abiMinor
      guard minor <= Int(CLUES_ABI_MINOR) else {
        return .failed("claims version 1.\(minor) of the contract, but this host knows at most 1.\(CLUES_ABI_MINOR)")
      }
      return .success
    },
    .library(
      "manifest", "It has a manifest that matches its tables.",
      advice: "make it with `clues plugins manifest FILE` and put it in with objcopy, after every build"
    ) { context in
      let declared = try PluginManifest.read(from: context.code)
      let library = try context.library()
      let described: PluginLibraryFile
      do {
        described = try PluginLibraryFile(described: declared, path: context.path)
      } catch let failure as Failure {
        return .failed(failure.message)
      }
      guard let difference = firstDifference(described.manifest, library.manifest, at: "") else { return .success }
      return .failed("its manifest differs from its tables: \(difference)")
    },
    .library(
      "load-time", "Loading it and reading its tables takes at most 100 ms.",
      advice: "do nothing in constructors, and keep tables static: do the work in create"
    ) { context in
      let clock = ContinuousClock()
      let time = try clock.measure { _ = try context.open()(CLUES_ABI_MINOR) }
      guard time <= .milliseconds(100) else { return .warning("took \(milliseconds(time)) ms to load") }
      return .success("\(milliseconds(time)) ms")
    },
  ]
}

/// The first place where two manifests differ.
private func firstDifference(_ manifest: JSONValue, _ tables: JSONValue, at place: String) -> String? {
  switch (manifest, tables) {
  case (.object(let a), .object(let b)):
    for key in a.keys + b.keys.filter({ a[$0] == nil }) {
      let found = firstDifference(a[key] ?? .null, b[key] ?? .null, at: place.isEmpty ? key : "\(place).\(key)")
      if let found { return found }
    }
    return nil
  case (.array(let a), .array(let b)) where a.count == b.count:
    for (index, (x, y)) in zip(a, b).enumerated() {
      let name = x.objectValue?["id"]?.stringValue ?? String(index)
      if let found = firstDifference(x, y, at: "\(place).\(name)") { return found }
    }
    return nil
  default:
    if manifest == tables || manifest.doubleValue.map({ $0 == tables.doubleValue }) == true { return nil }
    return "\(place) is \(manifest.text().prefix(80)) there and \(tables.text().prefix(80)) in the tables"
  }
}

func milliseconds(_ time: Duration) -> Int {
  Int(time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000)
}
