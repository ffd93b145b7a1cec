import Diagnostics
import JSON
import PluginHost
import Synchronization
import Tensors
import TestSupport
import Testing

/// What a plugin gets to see of the host.
@Suite struct ProbeTests {
  /// What was logged, by whom and how loud.
  final class Log: Sendable {
    private let entries = Mutex<[String]>([])

    func services(isCancelled: Bool = false) -> HostServices {
      HostServices(
        log: { [self] plugin, level, text in
          entries.withLock { $0.append("\(plugin) \(level): \(text)") }
        }, isCancelled: { isCancelled })
    }

    /// The entries so far, which are forgotten.
    func taken() -> [String] {
      entries.withLock { entries in
        defer { entries = [] }
        return entries
      }
    }
  }

  let unit = MergeUnit(
    module: "layers.0.q", space: .core, part: .a,
    inputs: [
      .init(client: "c0", index: 0, weight: 0.5, stream: 7), .init(client: "größe", index: 1, weight: -2, stream: .max),
    ],
    innerProducts: [4, 1, 1, 9])

  @Test(arguments: [Compiler.gcc, .clang]) func everythingArrivesAsItWasSet(_ compiler: Compiler) throws {
    try withPlugin("probe", by: compiler) { library in
      let log = Log()
      do {
        let instance = try library.mergeMethods[0].instance(
          ["share": 0.5, "flag": false, "mode": "exact"], services: log.services())
        #expect(
          log.taken() == [
            "probe info: count type 1 flags 1: 3 3", "probe info: each type 0 flags 1: 1",
            "probe info: flag type 2 flags 0: 0", "probe info: mode type 3 flags 0: 'exact'",
            "probe info: share type 0 flags 0: 0.5",
          ])
        #expect(try instance.coefficients(unit) == [4, 9])
        let words = [UInt64](unsafeUninitializedCapacity: 3) { buffer, count in
          RandomStream(key: 42).fill(UnsafeMutableBufferPointer(rebasing: buffer[..<3]), from: 7)
          count = 3
        }
        let texts = words.map { word in
          let digits = String(word, radix: 16)
          return String(repeating: "0", count: 16 - digits.count) + digits
        }
        #expect(
          log.taken() == [
            "probe info: unit layers.0.q space 2 part 1 inputs 2",
            "probe info: input c0 weight 0.5 stream 7 value null",
            "probe info: input größe weight -2 stream 18446744073709551615 value null",
            "probe info: words " + texts.joined(separator: " "), "probe warning: a warning",
            "probe info: a level from the future",
          ])
      }
      #expect(log.taken() == ["probe info: destroyed"])
    }
  }

  @Test func aNumberForEachInputArrivesInTheirOrder() throws {
    try withPlugin("probe") { library in
      let method = library.mergeMethods[0]
      let log = Log()
      var values = try ParameterValues(["seldom": 1e-3], schema: method.about.parameters, of: "probe")
      values.set("each", numbers: [0.5, 2], isDefault: false)
      _ = try method.makeInstance(values, services: log.services())
      let lines = log.taken()
      #expect(lines.contains("probe info: each type 4 flags 0: 0.5 2"))
      #expect(lines.contains("probe info: seldom type 0 flags 0: 0.001"))
      #expect(lines.contains("probe info: share type 0 flags 1: 0.25"))
    }
  }

  @Test func anInterruptionIsNoFault() throws {
    try withPlugin("probe") { library in
      let instance = try library.mergeMethods[0].instance(services: Log().services(isCancelled: true))
      #expect(throws: Interruption.failure) { try instance.coefficients(unit) }
    }
  }

  @Test func describesItself() throws {
    try withPlugin("probe") { library in
      #expect(library.name == "probe" && library.version == "1.2.3" && library.abiMinor == 0)
      #expect(library.vendor == "Tests" && library.license == "none")
      let method = try #require(library.mergeMethods.first)
      #expect(method.about.id == "probe" && method.about.summary == "Tells what it sees.")
      #expect(method.about.details == "Details." && method.about.reference == "Reference.")
      #expect(method.minimumInputs == 2 && method.maximumInputs == 5)
      #expect(method.isLinear && method.wantsInnerProducts && !method.wantsAdapterInnerProducts)
      #expect(method.spaces == [.stack, .core] && method.defaultSpace == .stack)
      #expect(library.entries.map(\.id) == ["probe"])
      #expect(method.about.parameters.declarations.map(\.name) == ["share", "count", "flag", "mode", "each", "seldom"])
    }
  }
}
