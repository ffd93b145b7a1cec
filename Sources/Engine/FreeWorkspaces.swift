import Synchronization

/// The workspaces that are not in use, kept for whichever thread needs one next.
final class FreeWorkspaces<Workspace>: Sendable {
  // Locked because threads take workspaces and return them at any time.
  private let free = Mutex<[Box]>([])

  func take() -> Workspace? { free.withLock { $0.popLast() }?.workspace }

  func giveBack(_ workspace: Workspace) {
    let box = Box(workspace: workspace)
    free.withLock { $0.append(box) }
  }

  /// Unchecked because a workspace is in here only while no thread uses it.
  private struct Box: @unchecked Sendable {
    let workspace: Workspace
  }
}
