import CluesPluginABI
import Diagnostics

extension Check {
  /// How the entry function behaves.
  static let entryFunction: [Check] = [
    .library(
      "entry-pure", "Asked again, the entry gives the same pointer, and the same bytes behind it.",
      advice: "return the address of a static table that nothing writes to"
    ) { context in
      let entry = try context.open()
      _ = try context.library()
      guard let first = entry(CLUES_ABI_MINOR) else { return .failed("the entry gives null") }
      let before = try bytes(of: context, first)
      guard let second = entry(CLUES_ABI_MINOR) else { return .failed("the entry gives null the second time") }
      guard first == second else { return .failed("the entry gives another pointer the second time") }
      guard try bytes(of: context, second) == before else {
        return .failed("what the entry points to is different the second time")
      }
      return .success
    },
    .library(
      "host-versions", "It runs in the first host of version 1, and does not refuse later ones.",
      advice: "look at host_abi_minor only to find out what the host offers: version 1 only ever grows"
    ) { context in
      let entry = try context.open()
      guard entry(0) != nil else { return .failed("refuses a host of version 1.0, which is the one that you have") }
      for minor in [1, 1000, UInt32.max] where entry(minor) == nil {
        return .warning("refuses a host of version 1.\(minor), though it would find all that it knows there")
      }
      return .success
    },
  ]
}

/// The tables themselves, as bytes.
private func bytes(of context: CheckContext, _ plugin: UnsafePointer<clues_plugin>) throws -> [[UInt8]] {
  func bytes<Table>(_ table: UnsafePointer<Table>) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: table, count: MemoryLayout<Table>.size))
  }
  return [bytes(plugin)]
    + Entry.all(of: try context.library()).map { entry in
      switch entry.tables {
      case .method(let table): bytes(table)
      case .scorer(let table): bytes(table)
      case .rule(let table): bytes(table)
      }
    }
}
