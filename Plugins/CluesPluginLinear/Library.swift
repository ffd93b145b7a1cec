import PluginKit

private let library = PluginLibrary(
  "linear", version: "1.0.0", vendor: "Clues", license: "Apache-2.0",
  mergeMethods: [
    Average.self, TaskArithmetic.self, Slerp.self, Karcher.self, ModelStock.self, Krum.self, MultiKrum.self,
  ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
