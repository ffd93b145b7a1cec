import CluesPluginABI
import Diagnostics

extension Check {
  /// The behaviour of the entry function.
  static let entryFunction: [Check] = [
    .library(
      "entry-pure", "When called again, the entry returns the same pointer to the same bytes.",
      advice: "return the address of a static table that nothing writes to"
    ) { context in
      let entry = try context.open()
      _ = try context.library()
      guard let first = entry(CLUES_ABI_MINOR) else { return .failed("the entry returns null") }
      let before = try bytes(of: context, first)
      guard let second = entry(CLUES_ABI_MINOR) else { return .failed("the entry returns null the second time") }
      guard first == second else { return .failed("the entry returns a different pointer the second time") }
      guard try bytes(of: context, second) == before else {
        return .failed("the entry points to different bytes the second time")
      }
      return .success
    },
    .library(
      "host-versions", "It runs in the first host of version 1 and accepts later ones.",
      advice: "use host_abi_minor only to find out what the host offers: version 1 only grows"
    ) { context in
      let entry = try context.open()
      guard entry(0) != nil else { return .failed("refuses a host of version 1.0, which is this one") }
      for minor in [1, 1000, UInt32.max] where entry(minor) == nil {
        return .warning("refuses a host of version 1.\(minor), which offers everything that it knows")
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
