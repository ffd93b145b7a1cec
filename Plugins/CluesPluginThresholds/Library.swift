import PluginKit

private let library = PluginLibrary(
  "thresholds", version: "1.0.0", vendor: "Clues", license: "Apache-2.0",
  thresholdRules: [
    AnchorMean.self, AnchorSigma.self, AnchorQuantile.self, AnchorMixture.self, Fixed.self, TopRatio.self,
    Otsu.self,
  ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
