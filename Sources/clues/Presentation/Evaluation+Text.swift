import Diagnostics
import Foundation
import Scoring

extension Evaluation {
  func text(_ page: PageLayout = PageLayout()) -> String {
    var table = Table(
      ["client", "good", "bad", "AUROC", "kept", "precision", "recall", "F1", "accuracy"], numbers: 1..<9)
    for (name, figures) in clients + [("all clients", pooled)] {
      let selection = figures.selection
      table.add(
        name, "\(figures.good)", "\(figures.bad)", share(figures.auroc), selection.map { "\($0.kept)" } ?? "",
        share(selection?.precision), share(selection?.recall), share(selection?.f1), share(selection?.accuracy))
    }
    var text = table.text(page)
    if !groups.isEmpty {
      var kinds = Table(["good against bad with", "count", "AUROC"], numbers: 1..<3)
      for group in groups { kinds.add(group.name, "\(group.count)", share(group.auroc)) }
      text += "\n\n" + kinds.text(page)
    }
    if pooled.unscored > 0 { text += "\n\n\(pooled.unscored) samples are unscored; they count as not kept" }
    if unlabeled > 0 { text += "\n\n\(unlabeled) samples have no label and were left out" }
    return text
  }

  private func share(_ value: Double?) -> String { value.map { $0.isNaN ? "–" : String(format: "%.3f", $0) } ?? "" }
}
