// swift-tools-version: 6.2
import PackageDescription

// PluginKit alone, for plugins that live elsewhere: the same sources as in the package of Clues, without its
// dependencies.
let package = Package(
  name: "PluginKit",
  products: [.library(name: "PluginKit", targets: ["PluginKit"])],
  targets: [
    .target(name: "CluesPluginABI"),
    .target(name: "Diagnostics"),
    .target(name: "JSON", dependencies: ["Diagnostics"]),
    .target(name: "PluginKit", dependencies: ["CluesPluginABI", "Diagnostics", "JSON"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
