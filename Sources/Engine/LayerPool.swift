import Glibc

/// The layers' activations that all threads share.
///
/// A pack takes those of one layer after the other in the forward pass, and returns them in the backward pass. Threads in
/// different layers need fewer together than each would alone, so there are fewer, and a late pack may wait. The oldest pack in
/// the forward pass always gets what it still needs, so every pack finishes.
final class LayerPool: @unchecked Sendable {
  // Unchecked because all mutable state is accessed under the lock.
  private let make: () throws -> LayerActivations
  private let layers: Int
  private let most: Int
  private var free: [LayerActivations] = []
  private var taken = 0
  /// Packs in the forward pass, the oldest first, and the number of layers each has.
  private var rising: [(pack: Int, held: Int)] = []
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let change: UnsafeMutablePointer<pthread_cond_t>

  /// - parameters:
  ///   - layers: The number that a pack needs.
  ///   - threads: The first adds the full number, each further one half of it.
  init(layers: Int, threads: Int, make: @escaping () throws -> LayerActivations) {
    self.make = make
    self.layers = layers
    most = Self.most(layers: layers, threads: threads)
    lock = .allocate(capacity: 1)
    change = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(change, nil)
  }

  /// The number of layers' activations that there are at most.
  static func most(layers: Int, threads: Int) -> Int { layers + (layers + 1) / 2 * (threads - 1) }

  deinit {
    pthread_cond_destroy(change)
    pthread_mutex_destroy(lock)
    change.deallocate()
    lock.deallocate()
  }

  private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body()
  }

  /// Starts a pack.
  func begin(_ pack: Int) { locked { rising.append((pack, 0)) } }

  /// The activations of the pack's next layer; waits until some are available.
  func take(for pack: Int) throws -> LayerActivations {
    try locked {
      while !maySpare(for: pack) { pthread_cond_wait(change, lock) }
      let layer = try free.popLast() ?? make()
      if let place = rising.firstIndex(where: { $0.pack == pack }) { rising[place].held += 1 }
      taken += 1
      return layer
    }
  }

  private func maySpare(for pack: Int) -> Bool {
    guard let oldest = rising.first, oldest.pack != pack else { return taken < most }
    return most - taken > layers - oldest.held
  }

  /// Ends the forward pass of a pack: it takes no more.
  func turn(_ pack: Int) {
    locked {
      rising.removeAll { $0.pack == pack }
      pthread_cond_broadcast(change)
    }
  }

  func giveBack(_ layers: [LayerActivations]) {
    locked {
      free += layers
      taken -= layers.count
      pthread_cond_broadcast(change)
    }
  }
}
