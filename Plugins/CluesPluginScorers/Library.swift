import PluginKit

private let library = PluginLibrary(
  "scorers", version: "1.0.0", vendor: "Clues", license: "Apache-2.0",
  scorers: [
    Clues.self, TracIn.self, Less.self, DataInf.self, GraNd.self, Perplexity.self, InstructionDifficulty.self,
    MutualInformation.self, Loss.self, RandomScore.self, Trajectory.self,
  ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func clues_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<clues_plugin>! { library.table }
