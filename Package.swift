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

/// `FilePath`, for whoever takes paths apart.
let paths = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

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
  ("Capture", ["Adapters", "Bundles", "Capture", "Datasets", "Digests", "JSON", "Models", "Tensors", "Tokenizers"]),
  ("CKernels", ["CKernels"]),
  ("CommandLine", ["clues"]),
  ("Datasets", ["Datasets", "Diagnostics", "JSON", "Tensors", "Tokenizers"]),
  ("Diagnostics", ["Diagnostics"]),
  ("Digests", ["CKernels", "Digests", .product(name: "Crypto", package: "swift-crypto")]),
  ("Engine", ["Adapters", "CKernels", "Diagnostics", "Engine", "JSON", "Models", "Tensors", "Threads"]),
  ("Examples", ["JSON", "PluginHost", "PluginProjects"]),
  ("Experiments", ["Diagnostics", "Experiments", "JSON", "Measuring", "PluginHost", "Recipes", "Records", "Tensors"]),
  ("Files", ["Files"]),
  ("JSON", ["JSON"]),
  ("LowRank", ["LowRank"]),
  (
    "Measuring",
    [
      "Adapters", "Capture", "Datasets", "Diagnostics", "Engine", "JSON", "Measuring", "Models", "Records", "Tensors",
      "Tokenizers",
    ]
  ),
  ("Merging", ["Merging", "Reports", "Runs", "clues"]),
  ("Models", ["Diagnostics", "JSON", "Models", "Tensors"]),
  ("PluginChecks", ["JSON", "PluginChecks"]),
  ("PluginHost", ["PluginHost"]),
  ("PluginKit", ["PluginKit"]),
  ("Plugins", ["Diagnostics", "JSON", "PluginHost", "Tensors"]),
  ("Recipes", ["Recipes"]),
  ("Records", ["JSON", "Records", "clues"]),
  ("Reports", ["Records", "Reports"]),
  ("Runs", ["Adapters", "Diagnostics", "Models", "Runs", "Tensors", "clues"]),
  ("Scorers", ["Adapters"]),
  ("Scoring", ["Runs", "Scoring", "clues"]),
  ("Tensors", ["Tensors"]),
  ("Threads", ["Threads"]),
  ("Tokenizers", ["Diagnostics", "JSON", "Tensors", "Tokenizers"]),
  (
    "Training", ["Adapters", "Bundles", "Capture", "Diagnostics", "Engine", "JSON", "Models", "Tensors", "Training"]
  ),
  ("Zip", ["Zip"]),
]

/// `make fuzz` builds it, with libFuzzer; nobody else does.
let fuzzing: [Target] =
  Context.environment["CLUES_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "clues-fuzz",
      dependencies: [
        "Adapters", "Bundles", "Datasets", "Diagnostics", "JSON", "Models", "PluginHost", "Recipes", "Tensors",
        "Tokenizers",
      ],
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
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
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
    .target(name: "CLinux"),
    .target(name: "Diagnostics", swiftSettings: house),
    .target(name: "Files", dependencies: ["Diagnostics", paths], swiftSettings: house),
    .target(name: "Threads", swiftSettings: house),
    .target(name: "JSON", dependencies: ["Diagnostics"], swiftSettings: numerical),
    .target(name: "Tensors", dependencies: ["CKernels", "Diagnostics", "Files", "JSON"], swiftSettings: numerical),
    .target(name: "Zip", dependencies: ["CZlib", "Diagnostics", "Tensors"], swiftSettings: numerical),
    .target(
      name: "Digests", dependencies: ["CKernels", "Tensors", .product(name: "Crypto", package: "swift-crypto")],
      swiftSettings: house),
    .target(
      name: "LowRank", dependencies: ["CKernels", "COpenBLAS", "CLinux", "Diagnostics", "Tensors", "Threads"],
      swiftSettings: numerical),
    .target(
      name: "Adapters", dependencies: ["Diagnostics", "JSON", "LowRank", "Tensors", "Zip"], swiftSettings: house),
    .target(
      name: "Bundles",
      dependencies: ["Adapters", "CArchive", "Diagnostics", "Digests", "Files", "JSON", "Tensors", "Zip", paths],
      swiftSettings: house),
    .target(
      name: "PluginHost",
      dependencies: [
        "CKernels", "CluesPluginABI", "CLinux", "Diagnostics", "Digests", "Files", "JSON", "Tensors", "Threads", paths,
      ],
      swiftSettings: house),
    .target(
      name: "PluginChecks",
      dependencies: [
        "CluesPluginABI", "CLinux", "Diagnostics", "Files", "JSON", "PluginHost", "Tensors", "Threads", paths,
      ],
      swiftSettings: numerical),
    .target(
      name: "Models", dependencies: ["CKernels", "Diagnostics", "Files", "JSON", "Tensors"], swiftSettings: numerical),
    .target(
      name: "Tokenizers", dependencies: ["Diagnostics", "Files", "JSON", "Tensors"], swiftSettings: numerical),
    .target(
      name: "Datasets", dependencies: ["Diagnostics", "Digests", "Files", "JSON", "Tensors", "Tokenizers"],
      swiftSettings: numerical),
    .target(
      name: "Engine", dependencies: ["Adapters", "CKernels", "Diagnostics", "Models", "Tensors", "Threads"],
      swiftSettings: numerical),
    .target(
      name: "Capture",
      dependencies: [
        "Adapters", "Bundles", "Datasets", "Diagnostics", "Digests", "Engine", "Files", "JSON", "Models", "Tensors",
        "Tokenizers", paths,
      ],
      swiftSettings: house),
    .target(
      name: "Training",
      dependencies: [
        "Adapters", "Bundles", "CKernels", "Capture", "Diagnostics", "Digests", "Engine", "Files", "JSON", "Models",
        "Tensors", "Zip", paths,
      ],
      swiftSettings: numerical),
    .target(
      name: "Measuring",
      dependencies: [
        "Adapters", "Bundles", "Capture", "Datasets", "Diagnostics", "Engine", "Files", "JSON", "Models", "Records",
        "Reports", "Tensors", "Threads", "Tokenizers", paths,
      ],
      swiftSettings: numerical),
    .target(name: "PluginKit", dependencies: ["CluesPluginABI", "Diagnostics", "JSON"], swiftSettings: house),
    .target(
      name: "Recipes",
      dependencies: ["Diagnostics", "Files", "JSON", "Records", paths, .product(name: "Yams", package: "Yams")],
      swiftSettings: house),
    .target(name: "Records", dependencies: ["Diagnostics", "JSON"], swiftSettings: house),
    .target(name: "Reports", dependencies: ["Diagnostics", "JSON", "Records"], swiftSettings: house),
    .target(
      name: "Merging",
      dependencies: [
        "Adapters", "CKernels", "CLinux", "Diagnostics", "Files", "JSON", "LowRank", "PluginHost", "Recipes", "Records",
        "Tensors", "Threads",
      ],
      swiftSettings: numerical),
    .target(
      name: "Scoring",
      dependencies: [
        "Adapters", "Bundles", "CKernels", "Diagnostics", "Digests", "Files", "JSON", "PluginHost", "Recipes",
        "Records", "Tensors", "Threads", paths,
      ],
      swiftSettings: numerical),
    .target(
      name: "Runs",
      dependencies: [
        "Adapters", "Bundles", "CLinux", "Diagnostics", "Digests", "Files", "JSON", "LowRank", "Merging", "Models",
        "PluginHost", "Recipes", "Records", "Reports", "Scoring", "Tensors", "Threads", paths,
      ],
      swiftSettings: numerical),
    .target(
      name: "Experiments",
      dependencies: [
        "Capture", "Datasets", "Diagnostics", "Digests", "Files", "JSON", "Measuring", "PluginHost", "Recipes",
        "Records",
        "Reports", "Runs", "Scoring", "Tensors", "Threads", "Training", paths,
      ],
      swiftSettings: house),
    .target(
      name: "PluginProjects",
      dependencies: ["Bundles", "CPluginTemplates", "Diagnostics", "Files", "Runs", paths],
      swiftSettings: numerical),
    .executableTarget(
      name: "clues",
      dependencies: [
        "Adapters", "Bundles", "CKernels", "CStartup", "Capture", "Datasets", "Diagnostics", "Experiments", "Files",
        "JSON", "LowRank", "Measuring", "Merging", "PluginChecks", "PluginHost", "PluginProjects", "Recipes", "Records",
        "Runs", "Scoring", "Tensors", "Training", paths,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house, linkerSettings: hostLinking),
    .executableTarget(
      name: "ManualPages", dependencies: ["Diagnostics", "Files", "JSON", paths], swiftSettings: house),
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
        dependencies: ["TestSupport", "Adapters", "Bundles", "Files", "JSON", "Recipes", "Runs", "Tensors", "clues"],
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
