import Adapters
import Bundles
import Capture
import Diagnostics
import Engine
import Records

/// A measured model: the base model alone, or with an adapter.
struct Subject: Sendable {
  let name: String

  /// The path as the user gave it.
  let path: String

  /// The checkpoint that the adapter is from, if any.
  let step: Int?

  let engine: Engine

  /// Remarks for the user, none of them an error.
  let notes: [String]

  var record: MeasureRecord.Model {
    var record = MeasureRecord.Model()
    (record.name, record.path, record.step) = (name, path, step)
    return record
  }

  /// The name of the base model among the adapters.
  static let baseName = "base"

  /// The base model, unless excluded, and every adapter with it.
  ///
  /// - throws: ``Failure`` that names the file: an adapter that does not fit the base model, a duplicate name.
  static func all(_ settings: MeasureSettings, _ base: BaseModel) throws -> [Subject] {
    var subjects: [Subject] = []
    if settings.measuresBase {
      let engine = try Engine(model: base.model, adapter: nil, threads: settings.threads)
      subjects.append(Subject(name: baseName, path: settings.base, step: nil, engine: engine, notes: []))
    }
    for input in settings.inputs {
      try Interruption.check()
      let subject = try Subject(input, settings, base)
      guard subject.name != baseName else {
        throw Failure(
          .usage, "is called '\(baseName)', as the base model is", advice: "give it another name: --client NAME",
          file: input.path)
      }
      if let other = subjects.first(where: { $0.name == subject.name }) {
        throw Failure(
          .usage, "two adapters are called '\(subject.name)': \(other.path) and \(input.path)",
          advice: "give each input a name, in order: --client NAME --client NAME")
      }
      subjects.append(subject)
    }
    guard !subjects.isEmpty else {
      throw Failure(.usage, "there is nothing to measure", advice: "give adapters, or leave --no-base out")
    }
    return subjects
  }

  private init(name: String, path: String, step: Int?, engine: Engine, notes: [String]) {
    (self.name, self.path, self.step, self.engine, self.notes) = (name, path, step, engine, notes)
  }

  private init(_ input: MeasureSettings.Input, _ settings: MeasureSettings, _ base: BaseModel) throws {
    let bundle = try Bundle.open(
      input.path, wanting: [.adapter], adapter: input.adapter, limits: settings.limits)
    if let name = input.name { try ClientName.check(name, of: "client") }
    name = input.name ?? bundle.client
    path = input.path
    step = bundle.adapterStep
    guard let files = bundle.adapter else {
      throw Failure(.badData, "holds no adapter", advice: "give a folder with adapter_config.json", file: input.path)
    }
    let adapter = try files.adapter()
    engine = try locating(file: files.weights.name) {
      try Engine(model: base.model, adapter: adapter, threads: settings.threads)
    }
    let step = step.map { ["\(input.path): the adapter is that of step \($0)"] } ?? []
    notes =
      step
      + (bundle.notes + adapter.notes + [base.note(on: adapter)].compactMap { $0 }).map { "\(input.path): \($0)" }
  }
}
