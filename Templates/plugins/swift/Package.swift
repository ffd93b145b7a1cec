// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "my-plugin",
  products: [.library(name: "MyPlugin", type: .dynamic, targets: ["MyPlugin"])],
  dependencies: [.package(path: "PLUGINKIT_PATH")],
  targets: [
    .target(
      name: "MyPlugin",
      dependencies: [.product(name: "PluginKit", package: "PluginKit")],
      path: "Sources",
      linkerSettings: [
        // Everything but the entry is hidden, the library stays loaded for good, and it brings its own Swift runtime.
        .unsafeFlags([
          "-Xlinker", "--version-script=\(Context.packageDirectory)/plugin.map",
          "-Xlinker", "-z", "-Xlinker", "nodelete", "-static-stdlib",
        ])
      ])
  ],
  swiftLanguageModes: [.v6]
)
