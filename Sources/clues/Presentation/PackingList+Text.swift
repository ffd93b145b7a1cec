import Bundles
import Diagnostics

extension PackingList {
  /// What leaves the machine and what stays.
  func text(output: String) -> String {
    var kinds = Table(["kind", "files", "bytes"], numbers: 1..<3)
    for kind in self.kinds { kinds.add(kind.name, "\(kind.files)", size(kind.bytes)) }
    var table = Table()
    for file in packed { table.add("  " + file.path, size(file.bytes)) }
    var text =
      "packed into \(output), \(size(archiveBytes)), which leaves this machine:\n\(table.text)\n\n\(kinds.text)"
    if !leftOut.isEmpty {
      var rest = Table()
      for file in leftOut { rest.add("  " + file.path, size(file.bytes), file.reason.text) }
      text += "\n\nleft out, which stays here:\n\(rest.text)"
    }
    return text
  }
}
