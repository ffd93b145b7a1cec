import ArgumentParser
import Workbench

@main
struct Clues: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Merges the LoRA adapters of many clients into one.")
}
