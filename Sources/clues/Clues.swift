import ArgumentParser
import Diagnostics
import Foundation
import PluginChecks
import PluginHost

/// The command line: each command turns its options into a call of the workbench and prints the result.
///
/// Every command states its name: deriving it from the type would look up all types at each start.
@main
struct Clues: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clues",
    abstract: "Merges the LoRA adapters of many clients into one.",
    discussion: """
      Give it the bundles that clients handed in (archives, Trainer folders or PEFT
      folders) and say what to do with them, in a recipe or on the command line:

        clues run recipes/ties.yaml --output runs/ties
        clues merge medical.tar.zst financial.zip --method average -o merged

      A client trains its adapter and measures its own samples first:

        clues train --base SmolLM2-135M --data t.jsonl -o outputs/medical
        clues capture outputs/medical --base SmolLM2-135M --train t.jsonl

      How well a merged adapter does on held-out samples:

        clues measure merged medical.tar.zst --base SmolLM2-135M --data test.jsonl

      To see what a client handed in, who stands out, which methods there are, and
      what a recipe means:

        clues inspect medical.tar.zst
        clues vet medical.tar.zst financial.zip legal.zip
        clues plugins list
        clues recipe explain recipes/ties.yaml

      To see the libraries and kernels on which the last bits of results depend:

        clues --version --verbose

      Results go to standard output, progress and messages to standard error.
      -q silences the messages, --json prints results for programs.

      Exit codes:

      \(Failure.Kind.table)
      """,
    version: cluesVersion,
    subcommands: [
      Run.self, Merge.self, TrainCommand.self, CaptureCommand.self, MeasureCommand.self, Score.self, Select.self,
      Evaluate.self, ExperimentCommand.self, Vet.self, Inspect.self, Pack.self, Convert.self, Report.self,
      Plugins.self, RecipeCommand.self,
    ])

  static func main() {
    switch CommandLine.arguments.dropFirst().first {
    case WorkerSettings.argument: PluginWorker.main()
    case CheckProcess.argument: CheckProcess.main()
    default: break
    }
    Signals.ignoreClosedPipes()
    Signals.letThrough()
    // Handled here, because the parser allows no option together with its own --version.
    if Set(CommandLine.arguments.dropFirst()) == ["--version", "--verbose"] {
      exit(saying: versionReport())
    }
    do {
      var command = try parseAsRoot()
      let work = command as? any WorkingCommand
      if let command = command as? any SpeakingCommand {
        Console.configure(command.messages, progress: work?.progress.progress ?? .auto)
      }
      if work != nil { Signals.stopInOrder() }
      try command.run()
    } catch let failure as Failure {
      Screen.standardError.close()
      Console.failure(failure)
      Signals.obeyLast()
      exit(withError: ExitCode(failure.kind.exitCode))
    } catch {
      Screen.standardError.close()
      if exitCode(for: error).isSuccess { exit(saying: fullMessage(for: error)) }
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Console.usage(fullMessage(for: error), hints: UsageHint(Array(CommandLine.arguments.dropFirst())).lines)
      exit(withError: ExitCode.validationFailure)
    }
  }
}

extension Clues {
  /// Ends the program with a requested text: help, or the version.
  private static func exit(saying text: String) -> Never {
    do {
      if !text.isEmpty { try Console.write(text + "\n") }
      exit(withError: nil)
    } catch let failure as Failure {
      Console.failure(failure)
      exit(withError: ExitCode(failure.kind.exitCode))
    } catch {
      exit(withError: error)
    }
  }
}

extension Failure.Kind {
  /// The exit codes, one per line.
  fileprivate static var table: String {
    ([(0, "done")] + allCases.map { ($0.exitCode, $0.meaning) })
      .map { String(repeating: " ", count: 5 - "\($0)".count) + "\($0)  \($1)" }.joined(separator: "\n")
  }

  private var meaning: String {
    switch self {
    case .usage: "wrong usage: an unknown or invalid option or argument"
    case .badData: "bad data: an input is damaged, or cannot be merged correctly"
    case .missingInput: "missing input: a file or folder does not exist"
    case .pluginNotFound: "no such plugin"
    case .pluginFailed: "a plugin failed, or the file is not a plugin"
    case .noResources: "no resources: the system is out of memory, threads or open files"
    case .cannotWrite: "cannot write: the output already exists, or the disk is full"
    case .untrustedPlugin: "a plugin that is not trusted, or not the pinned one"
    case .badRecipe: "bad recipe: with the line and column of every mistake"
    case .interrupted: "interrupted: nothing was written"
    }
  }
}
