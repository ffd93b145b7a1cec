import CLinux
import CluesPluginABI
import Diagnostics
import Foundation
import JSON
import Tensors

/// The other end of a ``WorkerProcess``: a process that gives up its rights, loads one library and serves the host.
///
/// Everything except the shared memory is closed to it before the first instruction of the library runs.
public enum PluginWorker {
  /// Serves the host until it closes the channel.
  public static func main() -> Never {
    do {
      guard case .message(let opening) = try Message.receive(over: hostChannel, milliseconds: -1),
        opening.kind == .open,
        opening.files.count == 5
      else { leave("a worker is started by its host, not by hand") }
      let files = opening.files
      let worker = WorkerLoop(
        input: try SharedRegion(received: files[1], for: .input),
        lasting: try SharedRegion(received: files[2], for: .input),
        output: try SharedRegion(received: files[3], for: .output),
        stopFlag: try SharedRegion(received: files[4], for: .input))
      try reply {
        try worker.open(
          files[0], as: opening.text, memory: opening.numbers.0, host: pid_t(truncatingIfNeeded: opening.numbers.1))
      }
      while case .message(let message) = try Message.receive(over: hostChannel, milliseconds: -1) {
        try reply { try worker.serve(message) }
      }
    } catch {
      leave("\(error)")
    }
    // Without running destructors of untrusted code.
    _exit(0)
  }

  /// Sends the host the outcome of its request.
  private static func reply(_ body: () throws -> Int) throws {
    var answer = Message(kind: .done)
    do {
      answer.numbers.0 = UInt64(try body())
    } catch let failure as Failure {
      answer = Message(kind: .failed, detail: WorkerFault(failure).rawValue, text: failure.message)
    }
    if case .closed = try answer.send(over: hostChannel) { _exit(0) }
  }
}

extension WorkerFault {
  init(_ failure: Failure) {
    self = failure.kind == .interrupted ? .interrupted : failure.advice == HostTable.silence ? .silent : .told
  }
}

/// What a worker keeps between two calls.
private final class WorkerLoop {
  private var input: SharedRegion
  private var lasting: SharedRegion
  private var output: SharedRegion
  private let stopFlag: SharedRegion
  private var library: PluginLibraryFile?

  private var method: (any MergeMethodInstance)?
  private var scorer: (any ScorerInstance)?
  private var rule: (any ThresholdRuleInstance)?

  init(input: SharedRegion, lasting: SharedRegion, output: SharedRegion, stopFlag: SharedRegion) {
    self.input = input
    self.lasting = lasting
    self.output = output
    self.stopFlag = stopFlag
  }

  /// Gives up all rights, loads the library and puts its manifest where the host can read it.
  func open(_ file: Int32, as path: String, memory: UInt64, host: pid_t) throws -> Int {
    let addressSpace = try confine(host: host, memory: memory)
    _ = try Message(kind: .confined, numbers: (addressSpace, 0)).send(over: hostChannel)
    let library = try PluginLibraryFile(loading: "/proc/self/fd/\(file)", as: path, digest: nil)
    self.library = library
    let manifest = Array(library.manifest.text().utf8)
    guard manifest.count <= output.capacity else {
      throw Failure(.pluginFailed, "holds plugins whose manifest would be larger than \(output.capacity) bytes")
    }
    output.start.copyMemory(from: manifest, byteCount: manifest.count)
    return manifest.count
  }

  /// What the plugin may request of its host.
  private var services: HostServices {
    // Sendable, because a plugin may call this from any thread on which it was called.
    nonisolated(unsafe) let stopFlag = stopFlag.start
    return HostServices(
      log: { _, level, text in
        _ = try? Message(kind: .log, detail: level.rawValue, text: text).send(over: hostChannel)
      },
      isCancelled: { stopFlag.load(as: UInt32.self) != 0 })
  }

  /// Executes a message's call; returns the size of the answer.
  func serve(_ message: Message) throws -> Int {
    let isLasting = message.detail & RegionFlag.lasting != 0
    var files = message.files[...]
    if message.detail & RegionFlag.newInput != 0, let file = files.popFirst() {
      let region = try SharedRegion(received: file, for: .input)
      if isLasting { lasting = region } else { input = region }
    }
    if message.detail & RegionFlag.newOutput != 0, let file = files.popFirst() {
      output = try SharedRegion(received: file, for: .output)
    }
    let source = isLasting ? lasting : input
    let (size, room) = (Int(clamping: message.numbers.0), Int(clamping: message.numbers.1))
    guard message.kind == .call, let call = WorkerCall(rawValue: message.detail & 0xFFFF), size <= source.capacity,
      room <= output.capacity
    else { throw Failure(.pluginFailed, "a worker received an unknown request") }
    var payload = try WireReader(UnsafeRawBufferPointer(start: source.start, count: size))
    return try serve(call, &payload, room: room)
  }

  private func serve(_ call: WorkerCall, _ payload: inout WireReader, room: Int) throws -> Int {
    switch call {
    case .create: try create(&payload)
    case .destroy: (method, scorer, rule) = (nil, nil, nil)
    case .coefficients:
      let coefficients = try existing(method).coefficients(payload.mergeUnit())
      return try answer(room) { $0.add(coefficients) }
    case .surveySize:
      let size = try existing(method).surveySize(clients: payload.integer())
      return try answer(room) { $0.add(size) }
    case .survey:
      let (unit, pass) = (try payload.mergeUnit(), try payload.integer())
      return try withRecord(&payload) { try existing(method).survey(unit, pass: pass, into: $0) }
    case .combine:
      let (pass, other) = (try payload.integer(), try existing(payload.block()))
      let record = SurveyRecord(at: UnsafeMutableRawPointer(mutating: other.baseAddress!), size: other.count)
      return try withRecord(&payload) { try existing(method).combine($0, with: record, pass: pass) }
    case .merge:
      try existing(method).merge(payload.mergeUnit(), into: output.start.assumingMemoryBound(to: Float.self))
      return room
    case .noteSize:
      let size = try existing(method).noteSize() ?? 0
      return try answer(room) { $0.add(size) }
    case .note:
      var (unit, input) = (try payload.mergeUnit(), try payload.integer())
      let before = try existing(payload.block())
      guard unit.inputs.indices.contains(input), before.count == room else { return 0 }
      unit.inputs[input].values = try existing(payload.floats(unit.rows, unit.columns))
      output.start.copyMemory(from: before.baseAddress!, byteCount: before.count)
      try existing(method).note(unit, input: input, reading: { _, _ in }, into: output.start)
      return before.count
    case .mergeRows:
      let (unit, first) = (try payload.mergeUnit(), try payload.integer())
      let notes = try existing(payload.block()?.baseAddress)
      try existing(method).mergeRows(
        unit, from: first, notes: notes, into: output.start.assumingMemoryBound(to: Float.self))
      return room
    case .needs:
      let needs = try existing(scorer).needs()
      return try answer(room) { $0.add(needs) }
    case .beginCheckpoint: try existing(scorer).begin(payload.checkpoint())
    case .beginTensor: try existing(scorer).begin(payload.tensor())
    case .update:
      let (pass, first, count) = (try payload.integer(), try payload.integer(), try payload.integer())
      guard let values = try payload.block()?.baseAddress?.assumingMemoryBound(to: Float.self) else { return 0 }
      try existing(scorer).update(pass: pass, firstSample: first, rowCount: count, values: values)
    case .endTensor: try existing(scorer).endTensor()
    case .endCheckpoint:
      let scores = try existing(scorer).endCheckpoint()
      return try answer(room) { $0.add(scores) }
    case .finish:
      let scores = try existing(scorer).finish(payload.list { try $0.scores() })
      return try answer(room) { $0.add(scores) }
    case .scoreClients:
      let scores = try existing(scorer).score(payload.collection())
      return try answer(room) { $0.add(scores) }
    case .thresholds:
      let thresholds = try existing(rule).thresholds(for: payload.clientScores())
      return try answer(room) { $0.add(thresholds) }
    }
    return 0
  }

  private func create(_ payload: inout WireReader) throws {
    (method, scorer, rule) = (nil, nil, nil)
    let (kind, id, parameters) = (try payload.text(), try payload.text(), try payload.parameters())
    switch PluginDescription.Kind(rawValue: kind) {
    case .mergeMethod:
      method = try existing(library?.mergeMethods.first { $0.about.id == id }).makeInstance(
        parameters, services: services)
    case .scorer:
      scorer = try existing(library?.scorers.first { $0.about.id == id }).makeInstance(parameters, services: services)
    case .thresholdRule:
      rule = try existing(library?.thresholdRules.first { $0.about.id == id })
        .makeInstance(parameters, services: services)
    case nil: throw Failure(.pluginFailed, "a worker received an unknown request")
    }
  }

  private func existing<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw Failure(.pluginFailed, "a worker received a request for something it does not have") }
    return value
  }

  /// Lets `body` work on the record at the end of a payload, in the memory from which the host reads it.
  private func withRecord(_ payload: inout WireReader, _ body: (SurveyRecord) throws -> Void) throws -> Int {
    let before = try existing(payload.block())
    output.start.copyMemory(from: before.baseAddress!, byteCount: before.count)
    try body(SurveyRecord(at: output.start, size: before.count))
    return before.count
  }

  private func answer(_ room: Int, _ body: (inout WireWriter) -> Void) throws -> Int {
    var payload = WireWriter()
    body(&payload)
    guard payload.size <= room else {
      throw Failure(.pluginFailed, "answers with \(payload.size) bytes, but there is room for only \(room)")
    }
    try payload.write(to: output.start)
    return payload.size
  }
}
