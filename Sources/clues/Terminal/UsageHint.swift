import ArgumentParser
import Diagnostics
import Foundation
import PluginHost

/// What was probably meant by an option that a command does not have.
///
/// The parser reports only the first fault, which after a misspelt option is often that another one is missing.
struct UsageHint {
  private let command: any ParsableCommand.Type
  private let words: [String]
  /// The options that the command has, with their dashes.
  private let options: Set<String>

  /// - parameter arguments: The command line without the name of the program.
  init(_ arguments: [String]) {
    var command: any ParsableCommand.Type = Clues.self
    var words = arguments[...]
    while let word = words.first,
      let next = command.configuration.subcommands.first(where: { $0.configuration.commandName == word })
    {
      command = next
      words = words.dropFirst()
    }
    self.command = command
    self.words = Array(words.prefix { $0 != "--" })
    let help = Clues.helpMessage(for: command, columns: 400)
    options = Set(help.matches(of: /(?:^|[\s,(])(--?[a-zA-Z][a-z0-9-]*)/).map { String($0.1) })
  }

  /// A command that was probably meant, if one must come next.
  private func subcommandHint(for word: String) -> String? {
    let names = command.configuration.subcommands.compactMap { $0.configuration.commandName }
    guard !names.isEmpty, !names.contains(word) else { return nil }
    return nearestName(to: word, among: names).map { "did you mean '\($0)' instead of '\(word)'?" }
  }

  /// One line for each unknown option, and one for a command.
  var lines: [String] {
    var hints: [String] = []
    if let word = words.first, !word.hasPrefix("-"), let hint = subcommandHint(for: word) { hints.append(hint) }
    for word in words where word.hasPrefix("-") && Double(word) == nil {
      let option = String(word.prefix { $0 != "=" })
      guard option.count > 1, !options.contains(option), !isCluster(option), let hint = hint(for: option),
        !hints.contains(hint)
      else { continue }
      hints.append(hint)
    }
    return hints
  }

  /// Short options in one word, such as `-qo out`.
  private func isCluster(_ option: String) -> Bool {
    !option.hasPrefix("--") && option.dropFirst().allSatisfy { options.contains("-\($0)") }
  }

  private func hint(for option: String) -> String? {
    let name = option.drop { $0 == "-" }.lowercased().replacing("_", with: "-")
    if let hint = Self.elsewhere[name], hint.needs.allSatisfy(options.contains) { return "\(option): \(hint.text)" }
    // Options of `merge` are keys of a recipe.
    if command == Clues.Run.self, let path = Clues.Merge.paths["--" + name] {
      return "\(option): write --set \(path.joined(separator: "."))=…"
    }
    if let near = nearestName(to: "--" + name, among: options.filter { $0.hasPrefix("--") }.sorted()) {
      return "did you mean '\(near)' instead of '\(option)'?"
    }
    return parameterHint(option, name)
  }

  /// A hint for a plugin's parameter, which is not an option itself.
  private func parameterHint(_ option: String, _ name: String) -> String? {
    let entries = (try? CatalogOutline(PluginSearchPath(options: [])).entries) ?? []
    let parameter = name == "d" ? "density" : name.replacing("-", with: "_")
    guard entries.contains(where: { $0.parameters.contains { $0.name == parameter } }) else { return nil }
    if options.contains("-p") {
      return "\(option): parameters of a plugin are set with -p, as in -p \(parameter)=…"
    }
    guard command == Clues.Run.self else { return nil }
    return "\(option): write --set merge.parameters.\(parameter)=…"
  }

  /// Names of options in PEFT, mergekit and other tools, and what to do here; valid if a command has `needs`.
  private static let elsewhere: [String: (text: String, needs: [String])] = {
    var hints: [String: (text: String, needs: [String])] = [
      "weights": ("give --weight once for each input, in order", ["--weight"]),
      "w": ("give --weight once for each input, in order", ["--weight"]),
      "svd-rank": ("the rank of the result is --rank", ["--rank"]),
      "r": ("the rank of the result is --rank", ["--rank"]),
      "max-rank": ("the rank of the result is --rank", ["--rank"]),
      "combination-type": ("the merge method is --method", ["--method"]),
      "merge-method": ("the merge method is --method", ["--method"]),
      "m": ("the merge method is --method", ["--method"]),
      "majority-sign-method": ("write -p elect=frequency or -p elect=total", ["-p", "--method"]),
      "random-seed": ("the seed is --seed", ["--seed"]),
      "base": ("the base model that the result names is --base-model", ["--base-model"]),
      "name": ("a client's name is --client", ["--client"]),
      "names": ("give --client once for each input, in order", ["--client"]),
      "config": ("give the recipe without an option", ["--set"]),
      "recipe": ("give the recipe without an option", ["--set"]),
    ]
    for name in ["adapters", "adapter-names", "models", "model", "inputs", "input", "loras", "lora"] {
      hints[name] = ("give inputs without an option", ["--client"])
    }
    for name in ["out", "out-path", "out-dir", "output-dir", "output-path", "save-path", "save-dir"] {
      hints[name] = ("the output is --output", ["--output"])
    }
    for (name, type) in [
      ("bf16", "bfloat16"), ("bfloat16", "bfloat16"), ("fp16", "float16"), ("half", "float16"),
      ("float16", "float16"), ("fp32", "float32"), ("float32", "float32"), ("out-dtype", "…"),
      ("torch-dtype", "…"),
    ] {
      hints[name] = ("the type of the result is --dtype \(type)", ["--dtype"])
    }
    for name in [
      "cuda", "device", "gpu", "lazy-unpickle", "low-cpu-memory", "copy-tokenizer", "trust-remote-code",
      "allow-crimes", "lora-merge-cache", "transformers-cache", "out-shard-size", "safe-serialization",
      "write-model-card", "svd-driver", "svd-clamp", "svd-full-matrices",
    ] {
      hints[name] = ("there is no such option; omit it", ["--output"])
    }
    return hints
  }()
}
