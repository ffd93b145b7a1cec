// swift-tools-version: 6.2
import PackageDescription

/// Every target of our own is built alike: Swift 6 mode, and no warning goes by.
let house: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// What goes through every number or every byte is optimized in debug builds too: without it the tests would take
/// several times as long.
let numerical: [SwiftSetting] = house + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// The hot loops must give the same bits on every clone, so nothing may be contracted into fused operations.
let kernelFlags: [CSetting] = [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])]

/// A plugin shows the world one symbol and stays loaded for good.
let pluginLinking: [LinkerSetting] = [
  .unsafeFlags([
    "-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/plugin.map",
    "-Xlinker", "-z", "-Xlinker", "nodelete",
  ])
]

/// Where the toolchain has static libraries (the Makefile looks for them) the host carries the Swift runtime and
/// Foundation: to look their symbols up takes it longer than all else that it does to start.
let hostLinking: [LinkerSetting] =
  Context.environment["CLUES_STATIC_RUNTIME"] == nil
  ? []
  : [
    .unsafeFlags(
      ["-static-stdlib", "-lCoreFoundation", "-l_FoundationCShims", "-l_FoundationCollections", "-l_FoundationICU"],
      .when(configuration: .release))
  ]

/// The plugin libraries that ship with Clues, one folder below Plugins each, and what they need beside PluginKit.
let builtInPlugins: [(name: String, needs: [Target.Dependency])] = [
  ("CluesPluginLinear", []),
  ("CluesPluginRobust", ["CKernels"]),
  ("CluesPluginScorers", ["CKernels"]),
  ("CluesPluginSubspace", ["LowRank", "Tensors"]),
  ("CluesPluginThresholds", []),
  ("CluesPluginTies", ["CKernels", "LowRank", "Tensors"]),
]

/// The rooms that have tests in a folder of the same name, and what these test.
let testedRooms: [(name: String, tests: [Target.Dependency])] = [
  ("Adapters", ["Adapters"]),
  ("Bundles", ["Bundles"]),
  ("CKernels", ["CKernels"]),
  ("CommandLine", ["clues"]),
  ("Diagnostics", ["Diagnostics"]),
  ("Digests", ["CKernels", "Digests", .product(name: "Crypto", package: "swift-crypto")]),
  ("Examples", ["JSON", "PluginHost", "PluginProjects"]),
  ("JSON", ["JSON"]),
  ("LowRank", ["LowRank"]),
  ("Merging", ["Merging", "Reports", "Runs", "clues"]),
  ("PluginChecks", ["JSON", "PluginChecks"]),
  ("PluginHost", ["PluginHost"]),
  ("PluginKit", ["PluginKit"]),
  ("Plugins", ["Diagnostics", "JSON", "PluginHost", "Tensors"]),
  ("Recipes", ["Recipes"]),
  ("Records", ["JSON", "Records", "clues"]),
  ("Reports", ["Records", "Reports"]),
  ("Runs", ["Runs", "clues"]),
  ("Scorers", ["Adapters"]),
  ("Scoring", ["Runs", "Scoring", "clues"]),
  ("Tensors", ["Tensors"]),
  ("Threads", ["Threads"]),
  ("Zip", ["Zip"]),
]

/// `make fuzz` builds it, with libFuzzer; nobody else does.
let fuzzing: [Target] =
  Context.environment["CLUES_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "clues-fuzz",
      dependencies: ["Adapters", "Bundles", "Diagnostics", "JSON", "PluginHost", "Recipes", "Tensors"],
      path: "Fuzz/Targets", swiftSettings: house)
  ]

let package = Package(
  name: "clues",
  products: [
    .executable(name: "clues", targets: ["clues"]),
    .library(name: "PluginKit", targets: ["PluginKit"]),
  ]
    + builtInPlugins.map { .library(name: $0.name, type: .dynamic, targets: [$0.name]) },
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(name: "CluesPluginABI"),
    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "CKernels", cSettings: kernelFlags),
    .target(name: "CPluginTemplates"),
    .target(name: "CStartup"),
    .target(name: "CSystem"),
    .target(name: "Diagnostics", swiftSettings: house),
    .target(name: "Threads", swiftSettings: house),
    .target(name: "JSON", dependencies: ["Diagnostics"], swiftSettings: numerical),
    .target(name: "Tensors", dependencies: ["CKernels", "Diagnostics", "JSON"], swiftSettings: numerical),
    .target(name: "Zip", dependencies: ["CZlib", "Diagnostics", "Tensors"], swiftSettings: numerical),
    .target(
      name: "Digests", dependencies: ["CKernels", "Tensors", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: house),
    .target(
      name: "LowRank", dependencies: ["CKernels", "COpenBLAS", "CSystem", "Diagnostics", "Tensors", "Threads"],
      swiftSettings: numerical),
    .target(
      name: "Adapters", dependencies: ["Diagnostics", "JSON", "LowRank", "Tensors", "Zip"], swiftSettings: house),
    .target(
      name: "Bundles",
      dependencies: ["Adapters", "CArchive", "Diagnostics", "Digests", "JSON", "Tensors", "Zip"],
      swiftSettings: house),
    .target(
      name: "PluginHost",
      dependencies: [
        "CKernels", "CluesPluginABI", "CSystem", "Diagnostics", "Digests", "JSON", "Tensors", "Threads",
      ],
      swiftSettings: house),
    .target(
      name: "PluginChecks",
      dependencies: ["CluesPluginABI", "CSystem", "Diagnostics", "JSON", "PluginHost", "Tensors", "Threads"],
      swiftSettings: numerical),
    .target(name: "PluginKit", dependencies: ["CluesPluginABI", "Diagnostics", "JSON"], swiftSettings: house),
    .target(
      name: "Recipes",
      dependencies: ["Diagnostics", "JSON", "Records", .product(name: "Yams", package: "Yams")], swiftSettings: house),
    .target(name: "Records", dependencies: ["Diagnostics", "JSON"], swiftSettings: house),
    .target(name: "Reports", dependencies: ["Diagnostics", "JSON", "Records"], swiftSettings: house),
    .target(
      name: "Merging",
      dependencies: [
        "Adapters", "CKernels", "CSystem", "Diagnostics", "JSON", "LowRank", "PluginHost", "Recipes", "Records",
        "Tensors", "Threads",
      ],
      swiftSettings: numerical),
    .target(
      name: "Scoring",
      dependencies: [
        "Adapters", "Bundles", "CKernels", "Diagnostics", "Digests", "JSON", "PluginHost", "Recipes", "Records",
        "Tensors", "Threads",
      ],
      swiftSettings: numerical),
    .target(
      name: "Runs",
      dependencies: [
        "Adapters", "Bundles", "CSystem", "Diagnostics", "Digests", "JSON", "LowRank", "Merging", "PluginHost",
        "Recipes", "Records", "Reports", "Scoring", "Tensors", "Threads",
      ],
      swiftSettings: numerical),
    .target(
      name: "PluginProjects",
      dependencies: ["Bundles", "CPluginTemplates", "Diagnostics", "Runs"],
      swiftSettings: numerical),
    .executableTarget(
      name: "clues",
      dependencies: [
        "Adapters", "Bundles", "CKernels", "CStartup", "Diagnostics", "JSON", "LowRank", "Merging", "PluginChecks",
        "PluginHost", "PluginProjects", "Recipes", "Runs", "Scoring", "Tensors",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house, linkerSettings: hostLinking),
    .executableTarget(name: "ManualPages", dependencies: ["Diagnostics", "JSON"], swiftSettings: house),
  ]
    + builtInPlugins.map {
      .target(
        name: $0.name, dependencies: ["PluginKit"] + $0.needs, path: "Plugins/\($0.name)", swiftSettings: numerical,
        linkerSettings: pluginLinking)
    } + [
      .target(
        name: "TestSupport",
        dependencies: [
          "Adapters", "Bundles", "CArchive", "Diagnostics", "JSON", "LowRank", "Merging", "PluginHost", "Recipes",
          "Runs", "Tensors",
        ],
        path: "Tests/TestSupport", swiftSettings: house),
      .testTarget(
        name: "HostileTests",
        dependencies: ["TestSupport", "Adapters", "Bundles", "JSON", "Recipes", "Runs", "Tensors", "clues"],
        path: "Tests/Hostile", exclude: ["README.md"], swiftSettings: house),
    ]
    + testedRooms.map {
      .testTarget(
        name: "\($0.name)Tests", dependencies: ["TestSupport"] + $0.tests, path: "Tests/\($0.name)Tests",
        swiftSettings: house)
    } + fuzzing,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c11
)
