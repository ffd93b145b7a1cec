import Diagnostics
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Measuring

/// What is not measured is said, and nothing is written then.
@Suite struct MeasureRefusalTests {
  @Test(arguments: [
    (#"{"instruction": "a", "output": "b"}\#n{"instruction": "a", "output": 3}"#, 2, "a number as 'output'"),
    (
      #"{"id": 1, "instruction": "a", "output": "b"}\#n{"id": 1, "instruction": "a", "output": "b"}"#, 2,
      "the same id '1'"
    ),
    (#"{"input_ids": [3, 5000], "labels": [3, 5000]}"#, 1, "token id 5000"),
    (#"{"input_ids": [3, 4], "labels": [-100, -100]}"#, 1, "no answer"),
    ("", nil, "no samples"),
    (#"{"question": "q", "choices": ["a"], "answer": 0}"#, 1, "at least two"),
    (#"{"question": "q", "choices": ["a", "b"], "answer": 2}"#, 1, "has 2 as 'answer'"),
    (#"{"question": "q", "choices": ["a", "b"], "answer": "A"}"#, 1, "a string as 'answer'"),
    (#"{"question": "q", "choices": ["a", "b"]}"#, 1, "nothing as 'answer'"),
    (#"{"question": "q", "choices": ["a", "a"], "answer": 0}"#, 1, "the same choice twice"),
    (#"{"question": "q", "choices": ["a", " "], "answer": 0}"#, 1, "without words"),
    (#"{"choices": ["a", "b"], "answer": 0}"#, 1, "no question"),
    (#"{"question": "q", "prompt": "q", "choices": ["a", "b"], "answer": 0}"#, 1, "either could be meant"),
    (#"{"question": "q", "choices": ["a", "b"], "answer": 0}\#n{"prompt": "a", "completion": "b"}"#, 2, "no 'choices'"),
    (
      #"{"question": "q", "choices": ["a", "b"], "answer": 0}\#n{"instruction": "q", "choices": ["a", "b"], "answer": 0}"#,
      2, "in line 1"
    ),
  ]) func dataHaveTheirFaultsNamed(_ text: String, _ line: Int?, _ words: String) throws {
    try withTemporaryFolder { folder in
      let path = try write(text, to: "data.jsonl", in: folder)
      let failure = try failure { try measure(textSettings([("d", path)])) }
      #expect(failure.kind == .badData && failure.description.contains(words), "\(failure)")
      #expect(failure.file == path && failure.position?.line == line, "\(failure)")
    }
  }

  @Test func whatIsTooLongIsLeftOutAndNamed() throws {
    try withTemporaryFolder { folder in
      let long = String(repeating: "word ", count: 300)
      let path = try write(
        "{\"id\": \"x\", \"prompt\": \"\(long)\", \"completion\": \"b\"}\n{\"id\": \"y\", \"prompt\": \"a\", \"completion\": \"b\"}\n",
        to: "data.jsonl", in: folder)
      let choices = try write(
        "{\"question\": \"q\", \"choices\": [\"a\", \"\(long)\"], \"answer\": 0}\n{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 0}\n",
        to: "choices.jsonl", in: folder)
      let listener = Listener()
      let report = try measure(textSettings([("d", path), ("c", choices)]), listener)
      #expect(report.leftOut.map(\.id) == ["x", "c-0"])
      #expect(report.leftOut[1].reason.contains("with its choice 1, it has"))
      #expect(listener.notes.count { $0.contains("1 of 2 samples are left out, the first in line 1") } == 2)
      #expect(try report.table(.losses)[0].samples == 1 && report.table(.choices)[0].samples == 1)
      var settings = textSettings([("d", path)])
      settings.maximumLength = 40
      #expect(try measure(settings).leftOut[0].reason == "its answer is after the 40 tokens that are read")
    }
  }

  @Test func idsAreThoseOfAllFiles() throws {
    try withTemporaryFolder { folder in
      let text = "{\"id\": \"x\", \"prompt\": \"a\", \"completion\": \"b\"}\n"
      let (a, b) = (try write(text, to: "a.jsonl", in: folder), try write(text, to: "b.jsonl", in: folder))
      let failure = try failure { try measure(textSettings([("a", a), ("b", b)])) }
      #expect(failure.file == b && failure.description.contains("\(a):1"), "\(failure)")
    }
  }

  @Test func adaptersThatDoNotFitAreNamed() throws {
    var settings = textSettings([(nil, fixture("capture/train.jsonl"))])
    settings.inputs = [.init(path: fixture("models/qwen2/adapter"))]
    let failure = try failure { try measure(settings) }
    #expect(failure.kind == .badData && failure.file?.contains("qwen2/adapter") == true, "\(failure)")
    settings.inputs = [.init(path: fixture("capture/client"), name: "base")]
    #expect(try TestSupport.failure { try measure(settings) }.description.contains("as the base model is"))
    settings.inputs = [.init(path: fixture("capture/client")), .init(path: fixture("capture/client"))]
    #expect(try TestSupport.failure { try measure(settings) }.description.contains("two adapters are called 'client'"))
  }

  @Test func textsThatAskNothingCannotBeAnswered() throws {
    try withTemporaryFolder { folder in
      let path = try write("{\"text\": \"something\"}\n", to: "t.jsonl", in: folder)
      var settings = textSettings([(nil, path)])
      #expect(try measure(settings).table(.losses)[0].samples == 1)
      settings.answerTokens = 4
      let failure = try failure { try measure(settings) }
      #expect(failure.position?.line == 1 && failure.description.contains("asks nothing"), "\(failure)")
    }
  }

  @Test func outputsThatAreThereStay() throws {
    try withTemporaryFolder { folder in
      var settings = textSettings([(nil, fixture("capture/train.jsonl"))])
      settings.page = try write("mine", to: "p.html", in: folder)
      #expect(try failure { try measure(settings) }.kind == .cannotWrite)
      settings.samplesFile = settings.page
      #expect(try failure { try measure(settings) }.description.contains("two outputs are one file"))
      settings.samplesFile = folder.appending(path: "absent/s.jsonl").path
      settings.page = nil
      #expect(try failure { try measure(settings) }.description.contains("not there"))
      #expect(try String(contentsOf: folder.appending(path: "p.html"), encoding: .utf8) == "mine")
    }
  }

  @Test func anInterruptionLeavesNothing() throws {
    try withTemporaryFolder { folder in
      var settings = textSettings([(nil, fixture("capture/train.jsonl")), ("c", fixture("measure/choices.jsonl"))])
      settings.page = folder.appending(path: "p.html").path
      settings.samplesFile = folder.appending(path: "s.jsonl").path
      var stops = 0
      for questions in 0..<30 {
        let left = Atomic<Int>(questions)
        var measurement = Measurement(settings, observer: Listener())
        measurement.interruption = {
          if left.subtract(1, ordering: .relaxed).newValue < 0 { throw Interruption.failure }
        }
        do {
          _ = try measurement.run()
          break
        } catch let failure as Failure {
          #expect(failure.kind == .interrupted)
          stops += 1
          #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
      }
      #expect(stops >= 5)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["p.html", "s.jsonl"])
    }
  }
}
