import CLinux
import CluesPluginABI
import Foundation
import PluginHost

extension Check {
  /// How an entry uses the memory that it is given.
  static let memory: [Check] = [
    .work(
      "writes-inside", "It writes only to the outputs.",
      advice: "use the extents of the output, and write no element beyond them"
    ) { plugin in
      for (rows, columns) in [(6, 5), (1, 1), (7, 3)] {
        let testHost = plugin.testHost()
        _ = plugin.perform(in: testHost) { ($0.rows, $0.columns) = (rows, columns) }
        if let trespass = testHost.memory.trespass { return .failed(trespass) }
      }
      return .success
    },
    .work(
      "reads-inside", "It reads nothing before or after the memory that it is given.",
      advice: "use the extents of what you read; the address sanitizer finds the place",
      crash: "it reaches beyond memory that it was lent into memory that is inaccessible here"
    ) { plugin in
      for watch in [LentMemory.Watch.guardsBehind, .guardsBefore] {
        for (rows, columns) in [(6, 5), (1, 1), (7, 3)] {
          _ = plugin.perform(in: plugin.testHost(watch: watch)) { ($0.rows, $0.columns) = (rows, columns) }
        }
      }
      return .success
    },
    .work(
      "inputs-unchanged", "It does not write to its inputs.",
      advice: "work on a copy: inputs are shared with other instances, and may be in read-only memory",
      crash: "it writes to an input, which is read-only here"
    ) { plugin in
      _ = plugin.perform(in: plugin.testHost(watch: .readOnlyInputs))
      return .success
    },
    .work(
      "lent-for-the-call", "It keeps no pointer to memory that was valid only for a call.",
      advice: "copy what you need later; the header says how long each pointer is valid",
      crash: "it uses memory that it was lent for an earlier call"
    ) { plugin in
      _ = plugin.perform(in: plugin.testHost(watch: .expiry))
      return .success
    },
    .work(
      "output-filled", "Every element of an output is written, and none is read before it is written.",
      advice: "outputs contain arbitrary values at first: write all of them"
    ) { plugin in
      let fills: [UInt8] = [0, 0x55, 0xFF]
      let lives = fills.map { fill in plugin.perform { $0.outputFill = fill } }
      for life in lives.dropFirst() {
        if let difference = difference(lives[0], life) {
          return .failed("the previous content of the output affects the result: \(difference)")
        }
      }
      return .success
    },
    .work(
      "initialised", "Uninitialised memory, from malloc or scratch, does not affect results.",
      advice: "initialise what you allocate; the memory sanitizer finds the place"
    ) { plugin in
      var lives: [[Outcome]] = []
      // Not 0xFF: its complement would end the filling.
      for pattern in [0x00, 0x5A, 0xFE] as [UInt8] {
        clues_perturb_heap(~pattern)
        // Existing memory in the heap is overwritten as well.
        let blocks = (0..<2000).map { size in
          let block = malloc(16 + size % 1000)
          if let block { memset(block, Int32(pattern), 16 + size % 1000) }
          return block
        }
        for block in blocks { free(block) }
        lives.append(plugin.perform(in: plugin.testHost(scratchFill: pattern)))
      }
      clues_perturb_heap(0)
      for life in lives.dropFirst() {
        if let difference = difference(lives[0], life) {
          return .failed("uninitialised memory affects the result: \(difference)")
        }
      }
      return .success
    },
    .entry(
      "memory-growth", "Repeatedly creating, using and destroying instances does not use more and more memory.",
      advice: "free in destroy what create and the calls allocated, even if they fail"
    ) { plugin in
      if let refusal = plugin.refusal { return .skipped("no parameters were found that it accepts: \(refusal)") }
      let resourceUsage = plugin.context.resourceUsage
      let lives = 40
      func live() {
        for _ in 0..<lives { _ = plugin.perform { ($0.rows, $0.columns) = (3, 4) } }
      }
      // The runtime's and the allocator's caches fill in the first rounds and then stay as they are. A leak goes on in
      // every round, so one round without growth shows that there is none.
      var (grown, pages) = (0, 0)
      for _ in 0..<12 {
        let before = (allocated: resourceUsage.allocated, mapped: resourceUsage.mapped)
        live()
        (grown, pages) = (
          (resourceUsage.allocated - before.allocated) / lives, (resourceUsage.mapped - before.mapped) / lives
        )
        // The smallest block that can be leaked takes 32 bytes.
        if grown < 16, pages < Int(getpagesize()) { return .success }
      }
      if grown >= 16 { return .failed("every instance leaves about \(grown) bytes behind") }
      return .failed("every instance leaves about \(pages) bytes of mapped memory behind")
    },
  ]
}
