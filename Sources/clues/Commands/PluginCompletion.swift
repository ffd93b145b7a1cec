import ArgumentParser
import PluginHost

extension CompletionKind {
  /// The ids of all plugins, or of those of one kind.
  static func pluginIds(_ kind: PluginDescription.Kind? = nil) -> CompletionKind {
    .custom { words, _, _ in
      outline(words).filter { kind == nil || $0.kind == kind?.rawValue }.map(\.id).sorted()
    }
  }

  /// The parameters of the plugin that an option names, as `name=` or, if there is a list of values, `name=value`.
  ///
  /// - parameters:
  ///   - option: The option before in the line, such as `--method`.
  ///   - id: The plugin to assume if the option is missing.
  static func parameters(of option: String, otherwise id: String? = nil) -> CompletionKind {
    .custom { words, _, _ in
      let named = values(of: option, in: words).last ?? id
      let parameters = outline(words).first { $0.id == named }?.parameters ?? []
      return parameters.flatMap { parameter in
        parameter.values.isEmpty ? [parameter.name + "="] : parameter.values.map { "\(parameter.name)=\($0)" }
      }
    }
  }

  /// The plugins in the line's own `--plugin-dir` and on the search path; none if these cannot be read.
  private static func outline(_ words: [String]) -> [CatalogOutline.Entry] {
    (try? CatalogOutline(PluginSearchPath(options: values(of: "--plugin-dir", in: words))).entries) ?? []
  }

  private static func values(of option: String, in words: [String]) -> [String] {
    words.enumerated().compactMap { index, word in
      if word == option { return index + 1 < words.count ? words[index + 1] : nil }
      return word.hasPrefix(option + "=") ? String(word.dropFirst(option.count + 1)) : nil
    }
  }
}
