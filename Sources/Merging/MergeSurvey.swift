import Diagnostics
import LowRank
import PluginHost
import Threads

/// What a method knows about the whole adapter before it merges the first module.
package struct MergeSurvey: Sendable {
  /// The number of clients in the merge.
  let clientCount: Int

  /// ⟨ΔWᵢ, ΔWⱼ⟩ of all clients, summed over all modules; empty unless the method needs them.
  package fileprivate(set) var innerProducts: [Double] = []

  /// The result of the survey; nil if there is none.
  package fileprivate(set) var survey: Survey?

  /// The inner products of some of the clients.
  package func innerProducts(of clients: [Int]) -> [Double] {
    guard !innerProducts.isEmpty else { return [] }
    return clients.flatMap { i in clients.map { j in innerProducts[i * clientCount + j] } }
  }
}

extension Merger {
  /// The modules that the method must see before it merges the first one.
  package func modulesToSurvey() throws -> [String] {
    guard settings.method.surveyPasses > 0 else { return [] }
    // Making an instance takes longer than comparing parameters, and these are usually the same everywhere.
    var sizes: [ParameterValues: Int] = [:]
    return try modules.filter { name in
      let parameters = try parameters(of: name)
      let size = try sizes[parameters] ?? method(for: name).surveySize(clients: weightedAdapters.count)
      sizes[parameters] = size
      return size > 0
    }
  }

  /// The number of module visits before the first module is merged.
  package func surveyedModuleCount(surveying modules: [String]) -> Int {
    modules.count * settings.method.surveyPasses
      + (settings.method.wantsAdapterInnerProducts ? self.modules.count : 0)
  }

  /// Surveys the modules as many times as the method needs.
  ///
  /// Sums over modules are taken in the order of the modules, whichever finishes first.
  ///
  /// - parameter advance: Called each time a module has been surveyed.
  package func mergeSurvey(surveying modules: [String], threads: Int, advance: @Sendable () -> Void) throws
    -> MergeSurvey
  {
    var mergeSurvey = MergeSurvey(clientCount: weightedAdapters.count)
    if settings.method.wantsAdapterInnerProducts {
      mergeSurvey.innerProducts = try innerProducts(threads: threads, advance: advance)
    }
    for pass in 0..<(modules.isEmpty ? 0 : settings.method.surveyPasses) {
      // Enough records at once to keep all threads busy, and few enough for memory.
      for block in modules.blocks(of: 4 * threads) {
        let findings = try inParallel(block.count, threads: threads) { [mergeSurvey] index in
          defer { advance() }
          return try survey(block[block.startIndex + index], mergeSurvey, pass: pass)
        }
        for finding in findings { try finding.add(to: &mergeSurvey, pass: pass, settings) }
      }
    }
    return mergeSurvey
  }

  private func innerProducts(threads: Int, advance: @Sendable () -> Void) throws -> [Double] {
    let modules = modules
    let grams = try inParallel(modules.count, threads: threads) { index in
      defer { advance() }
      try Interruption.check()
      let moduleInputs = try moduleInputs(of: modules[index]).filter { !$0.isAbsent }
      return (places: moduleInputs.map(\.index), products: try gram(moduleInputs.map { try $0.term() }).elements)
    }
    return summed(grams, count: weightedAdapters.count)
  }

  private func survey(_ name: String, _ mergeSurvey: MergeSurvey, pass: Int) throws -> Finding {
    try Interruption.check()
    return try locating(tensor: name) {
      let work = try work(on: name, moduleInputs(of: name), mergeSurvey)
      let size = try work.methods.lend { try $0.surveySize(clients: weightedAdapters.count) }
      let finding = Finding(module: name, size: size, record: SurveyRecord(size: size), methods: work.methods)
      try work.survey(pass: pass, into: finding.record)
      return finding
    }
  }
}

/// What a pass found in one module, and the instance that found it.
private struct Finding: Sendable {
  let module: String
  let size: Int
  let record: SurveyRecord
  let methods: MethodPool

  func add(to mergeSurvey: inout MergeSurvey, pass: Int, _ settings: MergeSettings) throws {
    try locating(tensor: module) {
      let survey = mergeSurvey.survey ?? Survey(recordSize: size, passes: settings.method.surveyPasses)
      mergeSurvey.survey = survey
      guard survey.recordSize == size else {
        throw Failure(
          .pluginFailed, "surveys modules with records of different sizes", plugin: settings.method.about.id)
      }
      try survey.withRecord(of: pass) { sum in try methods.lend { try $0.combine(sum, with: record, pass: pass) } }
    }
  }
}

extension Array {
  fileprivate func blocks(of size: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
  }
}

/// The inner products of all pairs, row-major, summed over parts in which not all have a share.
///
/// - parameters:
///   - parts: Who has a share, by place, and the inner products of these, row-major; taken in their order.
///   - count: How many there are in all.
package func summed(_ parts: [(places: [Int], products: [Double])], count: Int) -> [Double] {
  var sums = [Double](repeating: 0, count: count * count)
  for (places, products) in parts {
    for (row, i) in places.enumerated() {
      for (column, j) in places.enumerated() { sums[i * count + j] += products[row * places.count + column] }
    }
  }
  return sums
}
