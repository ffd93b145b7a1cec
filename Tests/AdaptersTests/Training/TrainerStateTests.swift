import JSON
import Tensors
import TestSupport
import Testing

@testable import Adapters

@Suite struct TrainerStateTests {
  private func state(_ text: String) throws -> TrainerState { try TrainerState(Bytes(Array(text.utf8))) }

  private func state(step: Int, epoch: Double?, _ log: [String]) throws -> TrainerState {
    let epoch = epoch.map { "\($0)" } ?? "null"
    return try state(#"{"global_step": \#(step), "epoch": \#(epoch), "log_history": [\#(log.joined(separator: ","))]}"#)
  }

  private func line(_ step: Int, _ epoch: Double, _ rate: Double) -> String {
    #"{"step": \#(step), "epoch": \#(epoch), "learning_rate": \#(rate), "loss": 1.5}"#
  }

  @Test(arguments: ["c0/checkpoint-4", "c0/checkpoint-8", "c1/checkpoint-4", "c1/checkpoint-8"])
  func meanIsThatOfTheReference(_ checkpoint: String) throws {
    let folder = "tiny/\(checkpoint)"
    let trainer = try TrainerState(try Bytes(mapping: fixture("\(folder)/trainer_state.json")))
    let expected = try Bytes(mapping: fixture("\(folder)/expected_scores.json")).withUnsafeBytes {
      try JSONReader().read($0).objectValue?["learning_rate"]?.doubleValue
    }
    let rate = try #require(LearningRate(log: trainer))
    let reference = try #require(expected)
    #expect(abs(rate.mean - reference) <= 1e-6 * reference)
    #expect(rate.note == nil)
    #expect(trainer.step == Int(checkpoint.suffix(1)))
    #expect(trainer.log.contains { $0.learningRate == nil })
  }

  @Test func meanOfARealRun() throws {
    let trainer = try TrainerState(try Bytes(mapping: fixture("smollm/trainer_state.json")))
    #expect(trainer.step == 30)
    // The ledger that was written during this run has it in seven digits.
    #expect(abs(try #require(LearningRate(log: trainer)).mean - 0.00032758621) < 1e-10)
  }

  @Test(arguments: [(65, 1.690476e-5), (130, 1.289683e-5), (195, 7.738095e-6), (260, 2.579365e-6)])
  func meansOfThePapersSchedule(_ step: Int, _ mean: Double) throws {
    // 1052 samples in steps of 16; warm-up over 8 of 260 steps, then linear to 0.
    let log = (1...step).map {
      line($0, Double($0) * 16 / 1052, 2e-5 * ($0 <= 8 ? Double($0) / 8 : Double(260 - $0) / 252))
    }
    let rate = try #require(LearningRate(log: try state(step: step, epoch: Double(step) * 16 / 1052, log)))
    #expect(abs(rate.mean - mean) < 1e-6 * mean)
  }

  @Test func takesWhatPythonWrites() throws {
    let trainer = try state(
      #"{"global_step": 2, "epoch": 1.0, "max_steps": 4, "best_metric": Infinity, "log_history": ["#
        + #"{"step": 1, "epoch": 0.5, "learning_rate": 0.1, "loss": NaN, "grad_norm": NaN}]}"#)
    #expect(LearningRate(log: trainer)?.mean == 0.1)
  }

  @Test func theLaterEntryOfAStepCounts() throws {
    let log = [line(1, 0.5, 1), line(2, 1, 2), line(3, 1.5, 9), line(4, 2, 9), line(3, 1.5, 3), line(4, 2, 5)]
    #expect(LearningRate(log: try state(step: 4, epoch: 2, log))?.mean == 4)
    // What an abandoned run logged further on is none of this checkpoint's.
    let early = try #require(LearningRate(log: try state(step: 2, epoch: 1, log)))
    #expect(early.mean == 1.5)
    #expect(early.note == "ignored 4 log entries after step 2")
  }

  @Test func fallbacksAreNeverSilent() throws {
    let sparse = try state(step: 40, epoch: 4, [line(10, 1, 0.3), line(20, 2, 0.2)])
    let last = try #require(LearningRate(log: sparse))
    #expect(last.mean == 0.2)
    #expect(last.note == "no learning rate was logged in the last epoch, so it is that of step 20 alone")
    let undated = try state(step: 4, epoch: nil, [#"{"step": 4, "learning_rate": 0.5}"#])
    #expect(
      LearningRate(log: undated)?.note == "the log names no epochs, so the learning rate is that of step 4 alone"
    )

    let still = try state(step: 4, epoch: 1, [line(4, 1, 0)])
    #expect(
      LearningRate(log: still)?.note
        == "the learning rate is 0, so a checkpoint weighted by it does not count")
    let optimizer = try OptimizerState(Bytes(adamFile(shapes: [[1]]).bytes()))
    #expect(LearningRate(log: try state(step: 4, epoch: 1, [])) == nil)
    let rate = try LearningRate(optimizer: optimizer)
    #expect(rate.mean == 0.005)
    #expect(rate.note == "no learning rate was logged, so it is the optimizer's, which is that of the next step")
    let finished = try OptimizerState(try Bytes(mapping: fixture("tiny/c0/checkpoint-8/optimizer.pt")))
    #expect(
      failure { _ = try LearningRate(optimizer: finished) }?.message
        == "has the learning rate 0.0, the one after the last step, and none was logged")
  }

  @Test func refusesWhatIsNoDiary() {
    func message(_ text: String) -> String? { failure { _ = try state(text) }?.message }
    #expect(message("[]") == "is not an object")
    #expect(message("{}") == "has no valid 'global_step'")
    #expect(message(#"{"global_step": 1}"#) == "has no list 'log_history'")
    #expect(
      message(#"{"global_step": 1, "log_history": [3]}"#) == "entry 1 of its log_history is a number, not an object")
    #expect(
      message(#"{"global_step": 1, "log_history": [{"step": 1, "learning_rate": NaN}]}"#)
        == "entry 1 of its log_history has nan as 'learning_rate'")
    #expect(
      message(#"{"global_step": 1, "log_history": [{"step": 1, "learning_rate": -2}]}"#)
        == "entry 1 of its log_history has -2.0 as 'learning_rate', but a learning rate is from 0 to 10")
    #expect(
      message(#"{"global_step": 1, "log_history": [{"step": 1, "epoch": "x"}]}"#)
        == "entry 1 of its log_history has a string as 'epoch' instead of a number")
  }
}
