import CluesPluginABI
import Foundation
import PluginHost

/// A host for checking: it lends memory to one instance, makes its calls, and keeps the outcomes.
final class TestHost {
  let memory: LentMemory
  /// Whether structs are larger than this version of the contract knows, with garbage at their ends.
  let growsStructs: Bool
  /// The initial content of scratch memory.
  let scratchFill: UInt8
  private let currentStep: CurrentStep
  /// Called by the plugin.
  var isCancelled: () -> Bool = { false }
  /// Called before and after every call of the plugin.
  var turns: (before: () -> Void, after: () -> Void) = ({}, {})

  private(set) var outcomes: [Outcome] = []
  private(set) var extensionsAskedFor: Set<String> = []
  private var error: String?

  init(
    _ currentStep: CurrentStep, watch: LentMemory.Watch = .fences, growsStructs: Bool = false, scratchFill: UInt8 = 0
  ) {
    self.currentStep = currentStep
    memory = LentMemory(watch)
    self.growsStructs = growsStructs
    self.scratchFill = scratchFill
  }

  /// The table that the instance receives; valid as long as this object exists.
  private(set) lazy var host: UnsafePointer<clues_host> = {
    var table = clues_host(of: self)
    table.log = { _, _, text in if let text { _ = strlen(text) } }
    table.set_error = { host, text in
      if let text { TestHost.behind(host)?.error = String(cString: text) }
    }
    table.is_cancelled = { TestHost.behind($0)?.isCancelled() == true ? 1 : 0 }
    table.scratch = { host, size, alignment in
      guard let testHost = TestHost.behind(host), size <= 1 << 32, alignment > 0, alignment & (alignment - 1) == 0,
        alignment <= 1 << 20
      else { return nil }
      return testHost.memory.lend(
        "scratch memory", size: Int(size), alignment: Int(alignment), .output, until: .call, fill: testHost.scratchFill)
    }
    table.extension = { host, id in
      guard let testHost = TestHost.behind(host), let id = id.map({ String(cString: $0) }) else { return nil }
      testHost.extensionsAskedFor.insert(id)
      return id == CLUES_EXTENSION_ROWS && testHost.rows != nil ? UnsafeRawPointer(testHost.rowsTable) : nil
    }
    return lending(until: .instance).table("the host's table", table)
  }()

  /// The rows that the plugin may read.
  struct Rows {
    let input: Int
    let columns: Int
    let values: [Float]
    let reading: CallScript.Reading
  }

  /// Set while an input is noted that is nowhere in memory.
  var rows: Rows? { didSet { failedReads = 0 } }
  /// How often the plugin was not given the rows that it asked for.
  private(set) var failedReads = 0

  private lazy var rowsTable: UnsafePointer<clues_rows> = {
    var table = empty(clues_rows.self)
    table.read = { host, input, first, count, target in
      guard let testHost = TestHost.behind(host) else { return CLUES_INVALID_ARGUMENT }
      let status = testHost.read(input, first, count, target)
      if status != CLUES_OK { testHost.failedReads += 1 }
      return status
    }
    return lending(until: .instance).table("the table for reading rows", table)
  }()

  private func read(
    _ input: UInt32, _ first: UInt64, _ count: UInt64, _ target: UnsafeMutablePointer<Float>?
  ) -> clues_status {
    let (end, overflow) = first.addingReportingOverflow(count)
    guard let rows, rows.input == Int(input), !overflow, end <= UInt64(rows.values.count / max(1, rows.columns)),
      let target
    else { return CLUES_INVALID_ARGUMENT }
    guard rows.reading == .works else { return CLUES_INTERNAL }
    let places = Int(first) * rows.columns..<Int(end) * rows.columns
    for (offset, value) in rows.values[places].enumerated() { target[offset] = value }
    return CLUES_OK
  }

  private static func behind(_ host: UnsafePointer<clues_host>?) -> TestHost? {
    host?.pointee.context.map { Unmanaged<TestHost>.fromOpaque($0).takeUnretainedValue() }
  }

  // MARK: Lending

  /// Memory for what is lent until a lease ends.
  func lending(_ use: LentMemory.Use = .input, until lease: Lease) -> Lending { Lending(self, use, lease) }

  /// Elements that are lent at a stable address.
  func lend<Element: BitwiseCopyable>(_ name: String, _ elements: [Element], until lease: Lease)
    -> UnsafePointer<Element>
  { lending(until: lease).array(name, elements) }

  final class Lending: ContractMemory {
    private let testHost: TestHost
    private let use: LentMemory.Use
    private let lease: Lease

    fileprivate init(_ testHost: TestHost, _ use: LentMemory.Use, _ lease: Lease) {
      (self.testHost, self.use, self.lease) = (testHost, use, lease)
    }

    func fill(
      _ name: @autoclosure () -> String, _ size: Int, alignment: Int,
      _ body: (UnsafeMutableRawBufferPointer) throws -> Void
    ) rethrows -> UnsafeRawPointer {
      let start = testHost.room(name(), size, alignment: alignment, use, lease)
      try body(UnsafeMutableRawBufferPointer(start: start, count: size))
      return UnsafeRawPointer(start)
    }

    /// A struct, larger than this version of the contract knows it if structs grow.
    func table<Table: BitwiseCopyable>(_ name: String, _ table: Table) -> UnsafePointer<Table> {
      let (size, more) = (MemoryLayout<Table>.size, testHost.growsStructs ? 64 : 0)
      return fill(name, size + more, alignment: 8) { bytes in
        memset(bytes.baseAddress! + size, 0xDB, more)
        withUnsafeBytes(of: table) { bytes.copyMemory(from: $0) }
        bytes.storeBytes(of: bytes.load(as: UInt32.self) + UInt32(more), as: UInt32.self)
      }.assumingMemoryBound(to: Table.self)
    }
  }

  /// Lends raw bytes that the plugin may write.
  func room(
    _ name: String, _ size: Int, alignment: Int, _ use: LentMemory.Use, _ lease: Lease, fill: UInt8 = 0
  ) -> UnsafeMutableRawPointer {
    guard let place = memory.lend(name, size: size, alignment: alignment, use, until: lease, fill: fill) else {
      leave("there is no memory left for \(name)")
    }
    return place
  }

  // MARK: Calling

  /// Makes a call; `read` takes what it wrote before that memory is taken back.
  ///
  /// - parameters:
  ///   - name: The name of the function in the contract.
  ///   - scene: Its arguments, in words.
  @discardableResult
  func call(
    _ name: String, _ scene: String = "", read: () -> Outcome.Values = { .init() }, _ body: () -> clues_status
  ) -> Outcome {
    turns.before()
    error = nil
    memory.seal()
    currentStep.note(scene.isEmpty ? name : "\(name) of \(scene)")
    let status = body()
    currentStep.note("the checker, after \(name)")
    memory.inspect()
    let outcome = Outcome(
      call: name, scene: scene, status: status.rawValue, text: error,
      values: status == CLUES_OK ? read() : .init())
    outcomes.append(outcome)
    memory.end(.call)
    turns.after()
    return outcome
  }
}
