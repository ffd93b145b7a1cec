import Capture
import Diagnostics
import Files
import Records
import Reports
import SystemPackage

/// Measures a base model and adapters on held-out samples; implements `clues measure`.
package struct Measurement {
  private let settings: MeasureSettings
  private let observer: any Observer

  /// Throws if the user has asked to stop; called before every portion of samples.
  package var interruption: @Sendable () throws -> Void = { try Interruption.check() }

  package init(_ settings: MeasureSettings, observer: any Observer) {
    (self.settings, self.observer) = (settings, observer)
  }

  /// Measures, and writes all requested files or none.
  ///
  /// - throws: ``Failure``: of inputs with their file and line, `cannotWrite`, `interrupted`.
  package func run() throws -> MeasureRecord {
    try checkOutputs()
    let base = try BaseModel(settings.base, limits: settings.limits)
    let data = try HeldOutData(settings, base)
    let subjects = try Subject.all(settings, base)
    var record = MeasureRecord()
    record.base = settings.base
    record.models = subjects.map(\.record)
    record.data = settings.data.map(\.path)
    record.lossOver = settings.loss.rawValue
    record.answerTokens = settings.answerTokens
    (record.bootstrap.draws, record.bootstrap.seed) = (settings.draws, settings.seed)
    record.notes = data.notes + subjects.flatMap(\.notes)
    for note in record.notes { observer.note(.info(note)) }
    var work = MeasureWork(
      settings: settings, observer: observer, interruption: interruption, base: base, subjects: subjects)
    try work.run(data)
    let names = subjects.map(\.name)
    let leftOut = data.leftOut + work.leftOut
    record.leftOut = leftOut.map(\.record)
    let marks = try settings.marksFile.map {
      try MarksFile($0, models: names, samples: work.samples, leftOut: leftOut, limits: settings.limits).marks
    }
    let bootstrap = PairedBootstrap(draws: settings.draws, seed: settings.seed, threads: settings.threads)
    record.parts = try MeasureTables(models: names, bootstrap: bootstrap, observer: observer).all(
      work.samples, work.questions, marks: marks)
    let samples = SampleRecords(models: names, tokenizer: base.tokenizer)
    record.examples = samples.examples(work.samples)
    try write(record, samples, work)
    return record
  }

  private var outputs: [String] { [settings.samplesFile, settings.answersFile, settings.page].compactMap { $0 } }

  /// Refuses outputs that cannot be written before the work begins.
  private func checkOutputs() throws {
    for (place, path) in outputs.enumerated() {
      guard !path.isEmpty else { throw Failure(.usage, "an output has no name", advice: "name a file") }
      let file = FilePath(path).absolute
      guard !outputs[..<place].contains(where: { FilePath($0).absolute == file }) else {
        throw Failure(.usage, "two outputs are one file", advice: "give each a name of its own", file: path)
      }
    }
    for path in outputs {
      let file = FilePath(path).absolute
      guard file.folder.isFolder else {
        throw Failure(
          .cannotWrite, "lies in a folder that is not there", advice: "make it, or name another", file: path)
      }
      guard settings.replaces || !file.exists else {
        throw Failure.exists(at: path)
      }
      guard !file.isFolder else {
        throw Failure(.cannotWrite, "is a folder", advice: "name a file", file: path)
      }
    }
    guard settings.answersFile == nil || settings.answerTokens != nil else {
      throw Failure(.usage, "there are no answers to write", advice: "let the models answer: --generate")
    }
  }

  private func write(_ record: MeasureRecord, _ samples: SampleRecords, _ work: MeasureWork) throws {
    var files: [AtomicFile] = []
    do {
      if let path = settings.samplesFile {
        files.append(try AtomicFile(samples.measured(work.samples, work.questions), for: path))
      }
      if let path = settings.answersFile {
        files.append(try AtomicFile(samples.lines(samples.answers(work.samples).map(\.json)), for: path))
      }
      if let path = settings.page { files.append(try AtomicFile(MeasurePage(record).html, for: path)) }
      try interruption()
      // They are on disk already, and only need their names.
      while let file = files.first {
        files.removeFirst()
        try file.commit()
      }
    } catch {
      for file in files { file.abandon() }
      throw error
    }
  }
}
