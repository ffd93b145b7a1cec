import Diagnostics
import Foundation
import JSON
import PluginHost
import Tensors

/// The process in which one check runs: it gives up its rights, loads the library and reports what it finds.
public enum CheckProcess {
  /// The first argument of a program that makes a check.
  public static let argument = "__check"

  /// The request to a process, in the text of the first message.
  struct Order: JSONRecord {
    var check = ""
    var seed: UInt64 = 0
    var path = ""
    /// The first entry to test: those before it were tested by other processes.
    var firstEntry = 0

    static let fields: [JSONField<Self>] = [
      .key("check", \.check, .text),
      .key("seed", \.seed, JSONKind<String>.text.mapped({ UInt64($0) }, { String($0) })), .key("path", \.path, .text),
      .key("first", \.firstEntry, .count),
    ]

    var text: String { json.text() }
  }

  /// What is reported on the way, as the detail of a message.
  enum Report: UInt32 {
    /// The entry of this number, out of the given count, is tested now; its id is the text.
    case entry
    /// A finding: its status is the number in ``CheckStatus/allCases``, its message the text.
    case finding
    /// The system has too few resources for the check, as the text says.
    case shortage
  }

  /// Makes the check that the parent process requests.
  public static func main() -> Never {
    do {
      guard case .message(let opening) = try Message.receive(over: hostChannel, milliseconds: -1),
        opening.kind == .open,
        opening.files.count == 2
      else { leave("a check is started by `clues plugins check`, not by hand") }
      let resourceUsage = ResourceUsage()
      let currentStep = CurrentStep(try SharedRegion(received: opening.files[1], for: .output))
      let order = try Order(JSONReader().read(opening.text))
      guard let check = Check.all.first(where: { $0.id == order.check }) else { leave("there is no such check") }
      let code = try Bytes(mapping: opening.files[0], path: order.path)
      try confine(
        host: pid_t(opening.numbers.1), memory: opening.numbers.0, as: check.startsThreads ? .threadedCheck : .check)
      let context = CheckContext(
        code: code, source: "/proc/self/fd/\(opening.files[0])", path: order.path, seed: order.seed,
        currentStep: currentStep,
        resourceUsage: resourceUsage)
      try make(check, at: context, from: order.firstEntry)
      _ = try Message(kind: .done).send(over: hostChannel)
    } catch let failure as Failure where failure.kind == .noResources {
      _ = try? Message(kind: .log, detail: Report.shortage.rawValue, text: failure.message).send(over: hostChannel)
    } catch {
      leave("\(error)")
    }
    // Without running destructors of untrusted code.
    _exit(0)
  }

  private static func make(_ check: Check, at context: CheckContext, from first: Int) throws {
    switch check.body {
    case .library(let body):
      try tell(try finding { try body(context) })
    case .entry(let kinds, let body):
      let entries = Entry.all(of: try context.library()).filter { kinds.contains($0.about.kind) }
      for (index, entry) in entries.enumerated() where index >= first {
        _ = try Message(
          kind: .log, detail: Report.entry.rawValue, numbers: (UInt64(index), UInt64(entries.count)),
          text: entry.about.id
        ).send(over: hostChannel)
        try tell(try finding { try body(PluginUnderTest(entry, context)) })
      }
    }
  }

  private static func finding(_ body: () throws -> Finding) throws -> Finding {
    do {
      return try body()
    } catch let failure as Failure {
      // What the machine lacks is not the library's fault.
      guard failure.kind != .noResources else { throw failure }
      return .failed(failure.message)
    } catch {
      return .failed("\(error)")
    }
  }

  private static func tell(_ finding: Finding) throws {
    let status = CheckStatus.allCases.firstIndex(of: finding.status)!
    _ = try Message(
      kind: .log, detail: Report.finding.rawValue, numbers: (UInt64(status), 0), text: finding.message
    ).send(over: hostChannel)
  }
}
