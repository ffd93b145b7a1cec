import ArgumentParser
import Diagnostics
import Foundation
import PluginChecks
import PluginHost
import Workbench

/// The command line: each command turns its options into a call of the workbench and prints what comes back.
@main
struct Clues: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clues",
    abstract: "Merges the LoRA adapters of many clients into one.",
    discussion: """
      Give it the bundles that clients handed in (archives, Trainer folders or PEFT folders) and a recipe:

        clues run recipes/ties.yaml --output runs/ties
        clues merge medical.tar.zst financial.zip --method average -o merged

      Exit codes: 0 done, 64 wrong usage, 65 bad data, 66 missing input, 69 no such plugin, 70 plugin failed, \
      73 cannot write, 77 untrusted plugin, 78 bad recipe, 130 interrupted.
      """,
    version: cluesVersion,
    subcommands: [
      Run.self, Merge.self, Score.self, Select.self, Evaluate.self, Inspect.self, Pack.self, Report.self, Plugins.self,
      RecipeCommand.self,
    ])

  static func main() {
    switch CommandLine.arguments.dropFirst().first {
    case WorkerSettings.argument: PluginWorker.main()
    case CheckProcess.argument: CheckProcess.main()
    default: break
    }
    // A reader that closes the pipe early, such as `head`, is no error.
    signal(SIGPIPE, SIG_DFL)
    signal(SIGINT) { _ in
      // Asked twice, we go at once; drafts are removed by the next run.
      if Interruption.isPending { _exit(Failure.Kind.interrupted.exitCode) }
      Interruption.request()
    }
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      Console.error(failure.description)
      exit(withError: ExitCode(failure.kind.exitCode))
    } catch {
      exit(withError: error)
    }
  }
}
