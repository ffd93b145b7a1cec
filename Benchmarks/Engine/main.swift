import Adapters
import Engine
import Glibc
import Models
import Synchronization
import Tensors

// Seconds a sample for exact gradients: engine-speed MODEL ADAPTER LENGTH COUNT THREADS PACK-TOKENS RUNS [losses]
// Half of the tokens are labels. Prints the median of the runs, and how much memory the process has of its own.

/// Gradients that are counted and thrown away.
final class Discarded: GradientSink {
  private let count = Atomic(0)

  func take(_ gradient: ModuleGradient) { count.add(gradient.a.count + gradient.b.count, ordering: .relaxed) }
}

/// Of all threads together.
func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

func seconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

/// A line of /proc/self/status, in MB.
func megabytes(_ key: String) -> Int {
  guard let file = fopen("/proc/self/status", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, 256, file) != nil {
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard text.hasPrefix(key + ":") else { continue }
    return (text.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) / 1024
  }
  return 0
}

let arguments = CommandLine.arguments
let numbers = arguments.dropFirst(3).compactMap { Int($0) }
guard numbers.count >= 5 else {
  print("engine-speed MODEL ADAPTER LENGTH COUNT THREADS PACK-TOKENS RUNS [losses]")
  exit(64)
}
let (length, count, threads, packTokens, runs) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
let begun = seconds()
let model = try LanguageModel(at: arguments[1])
let adapter = try Adapter(
  config: Bytes(mapping: "\(arguments[2])/adapter_config.json"), configFile: "adapter_config.json",
  weights: Bytes(mapping: "\(arguments[2])/adapter_model.safetensors"), weightsFile: "adapter_model.safetensors")
let engine = try Engine(model: model, adapter: adapter, threads: threads, packTokens: packTokens)
var state: UInt64 = 1
let samples = (0..<count).map { _ in
  let tokens = (0..<length).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int32(truncatingIfNeeded: (state >> 33) % UInt64(model.shape.vocabulary))
  }
  return EncodedSample(
    tokens: tokens, labels: tokens.enumerated().map { $0 < length / 2 ? EncodedSample.unlearned : $1 })
}
var (times, processor): ([Double], [Double]) = ([], [])
for _ in 0..<runs {
  let (start, used) = (seconds(), processorSeconds())
  if arguments.last == "losses" {
    _ = try engine.losses(of: samples)
  } else {
    try engine.gradients(of: samples, into: Discarded())
  }
  times.append((seconds() - start) / Double(count))
  processor.append((processorSeconds() - used) / Double(count))
}
print(
  times.sorted()[runs / 2], "processor", processor.sorted()[runs / 2], "anonymous", megabytes("RssAnon"), "peak",
  megabytes("VmHWM"), "file", megabytes("RssFile"))
