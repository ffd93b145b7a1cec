import CluesPluginABI
import Diagnostics
import Foundation
import PluginHost
import Tensors

/// A library in its own process, about to be checked.
final class CheckContext {
  /// The file, and where it can be loaded from.
  let code: Bytes
  let source: String
  let path: String
  let seed: UInt64
  let currentStep: CurrentStep
  let resourceUsage: ResourceUsage
  /// The state before any code of the library ran; or, once an entry has been tested, before the next one.
  private(set) var before: Inventory
  private var loaded: PluginLibraryFile?
  /// What the library wrote to standard output when it was loaded.
  private(set) var printedOnLoading: String?

  init(code: Bytes, source: String, path: String, seed: UInt64, currentStep: CurrentStep, resourceUsage: ResourceUsage)
  {
    (self.code, self.source, self.path, self.seed) = (code, source, path, seed)
    (self.currentStep, self.resourceUsage, before) = (currentStep, resourceUsage, Inventory(resourceUsage))
  }

  /// What a process has that plugins must leave unchanged.
  struct Inventory {
    let processState: ProcessState
    let threads: Int?
    let files: Int

    init(_ resourceUsage: ResourceUsage) {
      (processState, threads, files) = (.now, resourceUsage.threads, resourceUsage.files)
    }
  }

  /// Takes the current state as the new starting point.
  func takeStock() { before = Inventory(resourceUsage) }

  typealias EntryFunction = @convention(c) (UInt32) -> UnsafePointer<clues_plugin>?

  /// Loads the library as hosts do; only its constructors have run then.
  func open() throws -> EntryFunction {
    currentStep.note("loading it")
    defer { currentStep.note("the checker, after loading it") }
    let handle = try loadLibrary(source, else: "it cannot be loaded")
    guard let symbol = dlsym(handle, CLUES_PLUGIN_ENTRY) else {
      let others = try exportedSymbols(of: code).filter { $0.hasPrefix("clues_plugin_entry_v") }
      throw Failure(
        .pluginFailed,
        others.isEmpty
          ? "it exports no \(CLUES_PLUGIN_ENTRY)"
          : "it exports \(others.joined(separator: ", ")), which belongs to another major version of the contract than 1"
      )
    }
    return unsafeBitCast(symbol, to: EntryFunction.self)
  }

  /// The library, loaded and described.
  func library() throws -> PluginLibraryFile {
    if let loaded { return loaded }
    currentStep.note("loading it")
    let (library, line) = try watchingOutput { try PluginLibraryFile(loading: source, as: path, digest: nil) }
    printedOnLoading = line
    currentStep.note("the checker, after loading it")
    loaded = library
    return library
  }
}

/// An entry with parameters that it accepts.
struct PluginUnderTest {
  let entry: Entry
  let context: CheckContext
  /// Its defaults, and values for those parameters that have none and must be set.
  let parameters: [RawParameter]
  /// Why it accepts no parameters that the checker can think of; nil if it does.
  let refusal: String?

  init(_ entry: Entry, _ context: CheckContext) {
    self.entry = entry
    self.context = context
    let schema = entry.about.parameters
    let defaults = Self.values([:], entry)
    let filled = Self.values(
      Dictionary(
        uniqueKeysWithValues: schema.declarations.filter { $0.defaultValue == nil }.map { ($0.name, $0.likelyValue) }),
      entry)
    for candidate in [defaults, filled] {
      let made = entry.create(with: candidate, in: TestHost(context.currentStep))
      if made.isDone {
        (parameters, refusal) = (candidate, nil)
        return
      }
    }
    parameters = defaults
    refusal = entry.create(with: filled, in: TestHost(context.currentStep)).answer
  }

  /// What hosts pass to it if a user set these.
  static func values(_ settings: [String: ParameterValue], _ entry: Entry) -> [RawParameter] {
    entry.about.parameters.declarations.compactMap { declaration in
      let value = settings[declaration.name] ?? declaration.defaultValue.flatMap { try? declaration.check($0) }
      guard let value else { return nil }
      var parameter = RawParameter(
        declaration.name, value, perInput: declaration.isPerInput ? entry.inputCount : nil)
      parameter.isDefault = settings[declaration.name] == nil
      return parameter
    }
  }

  var seed: UInt64 { context.seed }

  /// An ordinary script.
  var script: CallScript {
    var script = CallScript(seed: seed, parameters: parameters)
    script.inputCount = entry.inputCount
    return script
  }

  func testHost(
    watch: LentMemory.Watch = .fences, growsStructs: Bool = false, scratchFill: UInt8 = 0
  ) -> TestHost {
    TestHost(context.currentStep, watch: watch, growsStructs: growsStructs, scratchFill: scratchFill)
  }

  /// A whole life with an ordinary script, or with what `change` makes of it; returns the outcomes of its calls.
  func perform(in testHost: TestHost? = nil, _ change: (inout CallScript) -> Void = { _ in }) -> [Outcome] {
    var script = script
    change(&script)
    let testHost = testHost ?? self.testHost()
    entry.perform(script, in: testHost)
    return testHost.outcomes
  }

  /// Why an ordinary life shows nothing: it refuses the parameters or the data. Nil if it works.
  var idleness: Finding? {
    if let refusal { return .skipped("no parameters were found that it accepts: \(refusal)") }
    let outcomes = perform()
    let work = outcomes.filter { !["create", "destroy", "needs", "survey_size"].contains($0.call) }
    guard work.contains(where: \.isDone) else {
      let answer = work.first.map { "\($0.name) answers \($0.answer)" } ?? "it does no work"
      return .skipped("it refuses ordinary data: \(answer)")
    }
    return nil
  }
}

extension ParameterSchema.Declaration {
  /// A plausible value.
  var likelyValue: ParameterValue {
    if let choice = choices.first, let value = try? check(choice) { return value }
    switch type {
    case .boolean: return .boolean(true)
    case .text: return .text("text")
    case .integer: return .integer(Int(exactly: likelyNumber.rounded()) ?? 1)
    case .number: return .number(likelyNumber)
    }
  }

  private var likelyNumber: Double {
    switch (minimum?.value, maximum?.value) {
    case (let low?, let high?): low + (high - low) / 2
    case (let low?, nil): max(1, low + 1)
    case (nil, let high?): min(1, high - 1)
    case (nil, nil): 1
    }
  }
}
