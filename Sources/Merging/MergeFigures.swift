import Adapters
import JSON

/// How the adapters were merged, and what became of every module.
package struct MergeFigures: Sendable {
  package let method: String
  package let space: String
  package let dtype: String
  /// The method's parameters as the recipe sets them for all clients, and the defaults of the others.
  package let parameters: JSONValue
  /// The clients in the order of the cosines.
  package let clients: [String]
  /// What became of tensors that replace the base model's; nil where there are none.
  package let replaced: ReplacedTensors?
  package let modules: [ModuleFigures]
  /// The ranks that the modules are written with, where A and B are filled up with zeros.
  package var ranks: RankLayout?

  /// How every client's update stands beside the others' and the result, in the order of the clients.
  package let figures: [ClientFigures]

  /// What speaks against each client (``OutlierRule``), in the order of the clients.
  package let suspicions: [Suspicion]

  /// The cosines between two clients' updates over the modules that both have and in which clients were compared,
  /// row-major; nil for a pair that shares none.
  package let cosines: [Double?]

  /// How many modules at least two clients have; conflicts of sign and cosines are about these.
  package let sharedModules: Int

  /// In how many of the shared modules pairs of clients were compared.
  package let comparedModules: Int

  /// How many modules a cosine is taken over, from the least to the most; nil where no two clients share a module.
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

  /// The share of the merged deltas' energy that compression left out; 0 when nothing was compressed.
  package var discardedShare: Double {
    let energy = modules.reduce(0) { $0 + $1.energy }
    return energy > 0 ? modules.reduce(0) { $0 + $1.discardedEnergy } / energy : 0
  }
}
