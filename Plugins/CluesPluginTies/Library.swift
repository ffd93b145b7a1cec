import PluginKit

private let library = PluginLibrary(
  "ties", version: "1.0.0", vendor: "Clues", license: "Apache-2.0",
  mergeMethods: [
    Ties.self, DareTies.self, DareLinear.self, MagnitudePrune.self, Breadcrumbs.self, BreadcrumbsTies.self, Della.self,
    DellaLinear.self, SCE.self, KnOTS.self,
  ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
