import CluesPluginABI
import Diagnostics

/// A threshold rule of a loaded library.
public struct ThresholdRulePlugin: @unchecked Sendable {
  public let about: PluginDescription
  // Static in a library that is never unloaded, and never written: this is why the type is Sendable.
  private let table: UnsafePointer<clues_threshold_rule>

  init(_ table: UnsafePointer<clues_threshold_rule>, in library: PluginIdentity) throws {
    let rule = try sized(table, CLUES_THRESHOLD_RULE_SIZE, "a threshold rule")
    about = try PluginDescription(rule.about, kind: .thresholdRule, in: library)
    guard rule.create != nil, rule.destroy != nil, rule.decide != nil else {
      throw Failure(.pluginFailed, "its threshold rule '\(about.id)' lacks a function of the contract")
    }
    self.table = table
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

  /// The threshold of every client; a sample is kept when its score is at least that.
  public func thresholds(
    for clients: [ClientScores], _ parameters: ParameterValues, services: HostServices
  ) throws -> [Double] {
    let instance = try HostedInstance(
      of: about, parameters, services: services, create: { table.pointee.create(table, $0, $1, $2) },
      destroy: table.pointee.destroy)
    let (face, pointer) = (instance.face, instance.pointer)
    defer { withExtendedLifetime(instance) {} }
    let inputs = clients.map { client -> UnsafePointer<clues_client_scores>? in
      var item = clues_client_scores()
      item.struct_size = CLUES_CLIENT_SCORES_SIZE
      item.client = face.arena.text(client.client)
      item.count = UInt64(client.values.count)
      item.values = face.arena.array(client.values)
      item.splits = face.arena.array(client.splits.map(\.rawValue))
      return face.arena.value(item)
    }
    let list = face.arena.array(inputs)
    var thresholds = [Double](repeating: .nan, count: clients.count)
    try face.call { table.pointee.decide(pointer, UInt32(inputs.count), list, &thresholds) }
    guard thresholds.allSatisfy({ !$0.isNaN }) else {
      throw Failure(.pluginFailed, "plugin '\(about.id)' gave a threshold that is not a number")
    }
    return thresholds
  }
}
