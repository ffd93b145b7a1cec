import Diagnostics
import Foundation
import Runs
import Testing

@testable import clues

/// What is said about a stage's progress, whatever it is said on.
@Suite struct ProgressTextTests {
  private let merging = StageMeter(stage: .merging, total: 60, done: 34, seconds: 3.4)
  private let opening = StageMeter(stage: .opening, total: 67_200_000, done: 33_600_000, seconds: 2)

  private let training = StageMeter(
    stage: .training, total: 100, done: 25, seconds: 50,
    figures: [StageFigure("loss", 1.23449), StageFigure("tokens/s", key: "tokens_per_second", 512.3)])

  @Test func `a training tells its loss and its speed`() {
    #expect(
      training.progressText
        == "training: 25 %, 25 of 100 steps, 0.5/s, loss 1.234, 512 tokens/s, 2 min 30 s left")
    let line = training.line(width: 100, isPainted: false, isUnicode: false)
    #expect(line.contains("loss 1.234, 512 tokens/s") && line.contains("2 min 30 s left") && line.contains("25 %"))
    #expect(training.line(width: 70, isPainted: false, isUnicode: false).contains("512 tokens/s"))
  }

  @Test func `plain lines`() {
    #expect(merging.beginText == "merging: 60 modules")
    #expect(merging.progressText == "merging: 56 %, 34 of 60 modules, 10/s, 3 s left")
    #expect(merging.endText == "merging: 34 modules in 3.4 s, 10/s")
    #expect(opening.progressText == "opening: 50 %, 33.6 MB of 67.2 MB, 16.8 MB/s, 2 s left")
    #expect(StageMeter(stage: .writing, total: nil, done: 0, seconds: 0.25).endText == "writing: in 0.25 s")
    #expect(StageMeter(stage: .scoring, total: 1, done: 1, seconds: 0).beginText == "scoring: 1 sample")
  }

  @Test(arguments: [1, 10, 24, 40, 60, 80, 120, 300]) func `the line never reaches the edge`(_ width: Int) {
    for meter in [merging, opening, training, StageMeter(stage: .writing, total: nil, done: 5, seconds: 0)] {
      for isUnicode in [true, false] {
        let line = meter.line(width: width, isPainted: true, isUnicode: isUnicode)
        #expect(line.replacing(/\u{1B}\[[0-9;]*m/, with: "").count < max(2, width))
        #expect(isUnicode || line.unicodeScalars.allSatisfy(\.isASCII))
      }
    }
  }

  @Test func `a wide line has all that there is to say`() {
    let line = merging.line(width: 80, isPainted: false, isUnicode: false)
    #expect(line == "merging   ##########.........   56 %  34 of 60 modules    10/s  3 s left")
  }

  @Test func `times as a person says them`() {
    let times = [0.254: "0.25 s", 2.34: "2.3 s", 12.3: "12 s", 3: "3 s", 185: "3 min 5 s", 3720: "1 h 2 min"]
    for (seconds, text) in times { #expect(duration(seconds) == text) }
  }

  @Test func `plain lines come seldom`() {
    var progress = PlainProgress()
    // A stage of five minutes: every second a tick.
    let lines = (1...300).filter { second in
      progress.isDue(StageMeter(stage: .merging, total: 300, done: second, seconds: Double(second)))
    }
    #expect(lines == Array(stride(from: 30, through: 300, by: 30)))
    var slow = PlainProgress()
    let still = (1...200).filter { slow.isDue(StageMeter(stage: .merging, total: 9, done: 0, seconds: Double($0))) }
    #expect(still == [60, 120, 180])
  }

  @Test func `colours by the rules`() {
    func paints(_ choice: ColorChoice, _ environment: [String: String], _ isTerminal: Bool = true) -> Bool {
      choice.paints(environment: environment, isTerminal: isTerminal)
    }
    #expect(paints(.auto, ["TERM": "xterm"]) && !paints(.auto, ["TERM": "xterm"], false))
    #expect(!paints(.auto, ["TERM": "dumb"]))
    #expect(!paints(.auto, ["NO_COLOR": "1", "CLICOLOR_FORCE": "1"]) && paints(.auto, ["NO_COLOR": ""]))
    #expect(paints(.auto, ["CLICOLOR_FORCE": "1", "TERM": "dumb"], false))
    #expect(!paints(.auto, ["CLICOLOR_FORCE": "0"], false))
    #expect(paints(.always, ["NO_COLOR": "1"], false) && !paints(.never, ["CLICOLOR_FORCE": "1"]))
  }
}
