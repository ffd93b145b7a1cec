// swift-tools-version: 6.2
import PackageDescription

/// Runs the built `clues` as users do, so it needs nothing of the main package and is built in seconds.
let package = Package(
  name: "benchmarks",
  targets: [.executableTarget(name: "bench", swiftSettings: [.treatAllWarnings(as: .error)])],
  swiftLanguageModes: [.v6]
)
