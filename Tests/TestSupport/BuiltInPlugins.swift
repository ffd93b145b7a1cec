import PluginHost

/// The plugins that were built along with the tests, and nothing from elsewhere.
public func builtInCatalog(_ options: [String] = []) throws -> PluginCatalog {
  try PluginCatalog(PluginSearchPath(options: options, environment: [:]))
}
