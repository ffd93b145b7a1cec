import CLinux
import CluesPluginABI
import Foundation
import PluginHost

extension Check {
  /// What an entry does with the memory that it is lent.
  static let memory: [Check] = [
    .work(
      "writes-inside", "It writes to nothing beside the outputs.",
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
      "reads-inside", "It reads nothing before or behind what it is lent.",
      advice: "use the extents of what you read; the address sanitizer finds the place",
      crash: "it reaches beyond memory that it was lent, beside which there is none here"
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
      advice: "work on a copy: inputs are shared with other instances, and may lie in read-only memory",
      crash: "it writes to an input, which is read-only here"
    ) { plugin in
      _ = plugin.perform(in: plugin.testHost(watch: .readOnlyInputs))
      return .success
    },
    .work(
      "lent-for-the-call", "It keeps no pointer to what was lent for a call only.",
      advice: "copy what you need later; the header says how long each pointer lives",
      crash: "it uses memory that it was lent for an earlier call"
    ) { plugin in
      _ = plugin.perform(in: plugin.testHost(watch: .expiry))
      return .success
    },
    .work(
      "output-filled", "Every element of an output is written, and none is read before.",
      advice: "outputs hold anything at first: write all of them"
    ) { plugin in
      let fills: [UInt8] = [0, 0x55, 0xFF]
      let lives = fills.map { fill in plugin.perform { $0.outputFill = fill } }
      for life in lives.dropFirst() {
        if let difference = difference(lives[0], life) {
          return .failed("what the output held before shows: \(difference)")
        }
      }
      return .success
    },
    .work(
      "initialised", "What malloc and scratch memory held before does not show.",
      advice: "initialise what you allocate; the memory sanitizer finds the place"
    ) { plugin in
      var lives: [[Outcome]] = []
      // Not 0xFF: its complement would end the filling.
      for pattern in [0x00, 0x5A, 0xFE] as [UInt8] {
        clues_perturb_heap(~pattern)
        // And what lies in the heap already is overwritten.
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
          return .failed("what memory held before it was allocated shows: \(difference)")
        }
      }
      return .success
    },
    .entry(
      "memory-growth", "Making, using and ending instances again and again does not take more and more memory.",
      advice: "free in destroy what create and the calls allocated, also where they fail"
    ) { plugin in
      if let refusal = plugin.refusal { return .skipped("no parameters were found that it takes: \(refusal)") }
      let resourceUsage = plugin.context.resourceUsage
      let lives = 40
      func live() {
        for _ in 0..<lives { _ = plugin.perform { ($0.rows, $0.columns) = (3, 4) } }
      }
      live()
      var (heap, mapped): ([Int], [Int]) = ([], [])
      for _ in 0..<3 {
        let before = (resourceUsage.allocated, resourceUsage.mapped)
        live()
        heap.append(resourceUsage.allocated - before.0)
        mapped.append(resourceUsage.mapped - before.1)
      }
      let (grown, pages) = (heap.min()! / lives, mapped.min()! / lives)
      // The smallest piece of memory that can be left behind takes 32 bytes; half of that is noise of the runtime's tables.
      if grown >= 16 { return .failed("every instance leaves about \(grown) bytes behind") }
      if pages >= Int(getpagesize()) {
        return .failed("every instance leaves about \(pages) bytes of mapped memory behind")
      }
      return .success
    },
  ]
}
