// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "agreement",
  products: [.library(name: "AgreementPlugin", type: .dynamic, targets: ["AgreementPlugin"])],
  dependencies: [.package(path: "../../../PluginKit")],
  targets: [
    .target(
      name: "AgreementPlugin",
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
