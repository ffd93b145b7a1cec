import Adapters
import JSON

/// How the adapters were merged, and figures for every module.
package struct MergeFigures: Sendable {
  package let method: String
  package let space: String
  package let dtype: String
  /// The method's parameters as the recipe sets them for all clients, and the defaults of the others.
  package let parameters: JSONValue
  /// The clients in the order of the cosines.
  package let clients: [String]
  /// What was done with tensors that replace the base model's; nil if there are none.
  package let replaced: ReplacedTensors?
  package let modules: [ModuleFigures]
  /// The ranks with which the modules are written, if A and B are padded with zeros.
  package var ranks: RankLayout?

  /// How every client's update compares with the others' and the result, in the order of the clients.
  package let figures: [ClientFigures]

  /// The evidence against each client (``OutlierRule``), in the order of the clients.
  package let suspicions: [Suspicion]

  /// The cosines between two clients' updates over the modules that both have and in which clients were compared,
  /// row-major; nil for a pair that shares none.
  package let cosines: [Double?]

  /// The number of modules that at least two clients have; sign conflicts and cosines refer to these.
  package let sharedModules: Int

  /// In how many of the shared modules pairs of clients were compared.
  package let comparedModules: Int

  /// The smallest and largest number of modules over which a cosine is taken; nil if no two clients share a module.
  package let modulesOfPairs: ClosedRange<Int>?

  package init(
    method: String, space: String, dtype: String, parameters: JSONValue, clients: [String],
    replaced: ReplacedTensors?, modules: [ModuleFigures]
  ) {
    (self.method, self.space, self.dtype, self.parameters) = (method, space, dtype, parameters)
    (self.clients, self.replaced, self.modules) = (clients, replaced, modules)
    let comparison = Comparison(modules.map { ComparedModule($0) }, of: clients)
    let (figures, copies) = comparison.figures
    self.figures = figures
    suspicions = OutlierRule.suspicions(of: figures, copies)
    cosines = comparison.cosines
    (sharedModules, comparedModules) = (comparison.sharedModules, comparison.comparedModules)
    modulesOfPairs = comparison.modulesOfPairs
  }

  /// The mean share of entries, over the modules that at least two clients have, at which their updates have both signs.
  package var signConflict: Double {
    let shared = modules.filter { $0.clients.count > 1 }
    return shared.isEmpty ? 0 : shared.reduce(0) { $0 + $1.signConflict } / Double(shared.count)
  }

  /// The share of the merged deltas' energy that compression dropped; 0 if nothing was compressed.
  package var discardedShare: Double {
    let energy = modules.reduce(0) { $0 + $1.energy }
    return energy > 0 ? modules.reduce(0) { $0 + $1.discardedEnergy } / energy : 0
  }
}
