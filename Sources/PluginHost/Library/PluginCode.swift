import CluesPluginABI
import Diagnostics

/// Where the functions of an entry are.
package enum PluginCode: Sendable {
  /// In this process.
  case here(EntryTable)
  /// In worker processes.
  case workers(WorkerPool)
  /// Nowhere, with the reason why the library may not run.
  case refused(Failure)

  /// A new instance.
  ///
  /// - throws: ``Failure`` with the plugin's text if it refuses the parameters.
  func instance(
    of about: PluginDescription, _ parameters: ParameterValues, _ services: HostServices
  ) throws -> any InstanceSite {
    let parameters = [RawParameter](parameters)
    return switch self {
    case .here(let table): try HostedInstance(table, of: about, services: services) { parameters.lent(in: $0) }
    case .workers(let pool): try pool.lease(about, services) { parameters.lent(in: $0) }
    case .refused(let failure): throw failure
    }
  }
}

/// The functions of an entry whose library is loaded.
package enum EntryTable: @unchecked Sendable {
  // Unchecked because tables are static in a library that is never unloaded, and never written.
  case method(UnsafePointer<clues_merge_method>)
  case scorer(UnsafePointer<clues_scorer>)
  case rule(UnsafePointer<clues_threshold_rule>)

  package func create(
    _ host: UnsafePointer<clues_host>, _ parameters: UnsafePointer<clues_parameters>?,
    _ instance: inout UnsafeMutableRawPointer?
  ) -> clues_status {
    switch self {
    case .method(let table): table.pointee.create(table, host, parameters, &instance)
    case .scorer(let table): table.pointee.create(table, host, parameters, &instance)
    case .rule(let table): table.pointee.create(table, host, parameters, &instance)
    }
  }

  package func destroy(_ instance: UnsafeMutableRawPointer) {
    switch self {
    case .method(let table): table.pointee.destroy(instance)
    case .scorer(let table): table.pointee.destroy(instance)
    case .rule(let table): table.pointee.destroy(instance)
    }
  }
}
