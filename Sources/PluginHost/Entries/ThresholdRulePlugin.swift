import CluesPluginABI
import Diagnostics

/// A threshold rule of a library.
public struct ThresholdRulePlugin: Sendable {
  public let about: PluginDescription
  package let code: PluginCode

  init(_ table: UnsafePointer<clues_threshold_rule>, in library: PluginIdentity) throws {
    let rule = try sized(table, CLUES_THRESHOLD_RULE_SIZE, "a threshold rule")
    about = try PluginDescription(rule.about, kind: .thresholdRule, in: library)
    guard rule.create != nil, rule.destroy != nil, rule.decide != nil else {
      throw Failure(.pluginFailed, "its threshold rule '\(about.id)' lacks a function of the contract")
    }
    code = .here(.rule(table))
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
    let site = try code.instance(of: about, parameters, services)
    let thresholds = try site.numbers(.decide, count: clients.count) { memory in
      let list = memory.list("the list of clients", clients.map { $0.lent(in: memory) })
      return CallArguments(table: list, number: clients.count)
    }
    if let index = thresholds.firstIndex(where: Unwritten.isLeft) {
      throw Failure.breach(by: about.id, "gave no threshold for client '\(clients[index].client)'")
    }
    guard thresholds.allSatisfy({ !$0.isNaN }) else { throw site.failure("gave a threshold that is not a number") }
    return thresholds
  }
}

extension ThresholdRulePlugin.ClientScores {
  package func lent(in memory: some ContractMemory) -> UnsafePointer<clues_client_scores> {
    var table = empty(clues_client_scores.self)
    table.client = memory.text(client)
    table.count = UInt64(values.count)
    table.values = memory.array("the scores", values)
    table.splits = memory.array("the splits", splits.map(\.rawValue))
    return memory.table("a client's scores", table)
  }
}
