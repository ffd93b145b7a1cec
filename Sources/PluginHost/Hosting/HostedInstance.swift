import CLinux
import CluesPluginABI

/// A plugin's instance together with its host, which it may use until it is destroyed.
final class HostedInstance {
  let hostTable: HostTable
  /// May be null: the plugin decides what it keeps.
  let pointer: UnsafeMutableRawPointer?
  private let destroy: @convention(c) (UnsafeMutableRawPointer?) -> Void

  /// Makes an instance with `create`, which receives the host, the parameters and the address for the pointer.
  ///
  /// - throws: ``Failure`` with the plugin's text if it refuses; whatever it stored is then not an instance.
  init(
    of plugin: PluginDescription, _ parameters: ParameterValues, services: HostServices,
    create: (
      UnsafePointer<clues_host>, UnsafePointer<clues_parameters>, UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) -> clues_status,
    destroy: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void
  ) throws {
    // Before any code of a plugin runs: each has a copy of the function that chooses OpenBLAS's kernels, and there is one
    // OpenBLAS, whose kernels must not change during another thread's product.
    _ = clues_prepare_blas()
    let hostTable = HostTable(plugin, services: services)
    var pointer: UnsafeMutableRawPointer?
    try hostTable.call { create(hostTable.table, parameters.table(in: hostTable.arena), &pointer) }
    self.hostTable = hostTable
    self.pointer = pointer
    self.destroy = destroy
  }

  deinit {
    withExtendedLifetime(hostTable) { if let pointer { destroy(pointer) } }
  }
}
