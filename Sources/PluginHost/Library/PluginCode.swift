import Diagnostics

/// Where the functions of an entry are.
package enum PluginCode<Table>: @unchecked Sendable {
  // Unchecked because a table is static in a library that is never unloaded, and never written.
  /// In this process.
  case here(UnsafePointer<Table>)
  /// In worker processes.
  case workers(WorkerPool)
  /// Nowhere, with the reason why the library may not run.
  case refused(Failure)
}

/// How to reach the code of a library that is not loaded here.
enum PluginAccess: Sendable {
  case workers(WorkerPool)
  case refused(Failure)

  func code<Table>() -> PluginCode<Table> {
    switch self {
    case .workers(let pool): .workers(pool)
    case .refused(let failure): .refused(failure)
    }
  }
}
