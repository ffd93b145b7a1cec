import CluesPluginABI
import Diagnostics

/// A threshold rule of a library.
public struct ThresholdRulePlugin: Sendable {
  public let about: PluginDescription
  package let code: PluginCode<clues_threshold_rule>

  init(_ table: UnsafePointer<clues_threshold_rule>, in library: PluginIdentity) throws {
    let rule = try sized(table, CLUES_THRESHOLD_RULE_SIZE, "a threshold rule")
    about = try PluginDescription(rule.about, kind: .thresholdRule, in: library)
    guard rule.create != nil, rule.destroy != nil, rule.decide != nil else {
      throw Failure(.pluginFailed, "its threshold rule '\(about.id)' lacks a function of the contract")
    }
    code = .here(table)
  }

  /// The scored samples of one client.
  public struct ClientScores {
    public var client: String
    public var values: [Double]
    public var splits: [Split]

    public init(client: String, values: [Double], splits: [Split]) {
      self.client = client
      self.values = values
      self.splits = splits
    }
  }

  /// The threshold of every client; a sample is kept if its score is at least that.
  public func thresholds(
    for clients: [ClientScores], _ parameters: ParameterValues, services: HostServices
  ) throws -> [Double] {
    let thresholds = try makeInstance(parameters, services: services).thresholds(for: clients)
    guard thresholds.allSatisfy({ !$0.isNaN }) else {
      throw Failure(.pluginFailed, "plugin '\(about.id)' gave a threshold that is not a number")
    }
    return thresholds
  }

  func makeInstance(_ parameters: ParameterValues, services: HostServices) throws -> any ThresholdRuleInstance {
    switch code {
    case .here(let table): try HostedThresholdRule(table, about: about, parameters: parameters, services: services)
    case .workers(let pool): RemoteThresholdRule(try pool.lease(about, parameters, services))
    case .refused(let failure): throw failure
    }
  }
}

/// An instance of a threshold rule.
protocol ThresholdRuleInstance: AnyObject {
  func thresholds(for clients: [ThresholdRulePlugin.ClientScores]) throws -> [Double]
}
