import Diagnostics
import Foundation
import Records

extension ExperimentRecord {
  /// Of every share and arm what its selection is worth and what its models lose.
  func summary(_ page: PageLayout = PageLayout()) -> String {
    let ways = [nil] + merges.map { Optional($0.name) }
    var table = Table(
      ["arm", "bad", "kept", "F1"] + ways.flatMap { ["loss, \($0 ?? "own")", "won back"] },
      numbers: 1..<4 + 2 * ways.count)
    let base = losses.first { $0.arm == nil && $0.client == nil }
    table.add(["base", "", "", ""] + ways.flatMap { _ in [text(base?.loss), ""] })
    for share in shares {
      for arm in arms {
        let selection = selections.first {
          $0.share == share && $0.arm == arm.name && $0.rule == nil && $0.client == nil
        }
        var row = [arm.name, percent(share)]
        row.append(selection?.figures["kept_share"]?.value.map(percent) ?? "")
        row.append(selection.map { text($0.figures["f1"]) } ?? "")
        for way in ways {
          let found = losses.first {
            $0.share == share && $0.arm == arm.name && $0.merge == way && $0.client == nil
          }
          row.append(text(found?.loss))
          row.append(found?.recovered?.value.map(percent) ?? "")
        }
        table.add(row)
      }
    }
    let sure =
      seeds.count > 1
      ? "Means over \(seeds.count) seeds; their intervals are on the page."
      : "One seed: the intervals on the page are from drawing test samples anew."
    return table.text(page) + "\n\n"
      + wrapped(
        sure + " Losses are in nats per token: the lower, the better. Won back is the share of what bad samples cost.",
        to: page.columns)
  }

  private func text(_ figure: Figure?) -> String { figure?.value.map { String(format: "%.3f", $0) } ?? "–" }
  private func percent(_ share: Double) -> String { String(format: "%.0f %%", share * 100) }
}
