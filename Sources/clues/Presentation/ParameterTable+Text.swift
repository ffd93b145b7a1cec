import Diagnostics
import JSON
import PluginHost
import Runs

extension ParameterTable {
  /// One line per module; consecutive modules with the same values share one.
  func text(_ page: PageLayout = PageLayout()) -> String {
    var table = Table()
    var index = 0
    while index < modules.count {
      let values = modules[index].values
      let end = modules[index...].firstIndex { $0.values != values } ?? modules.count
      let more = end - index > 1 ? "and \(end - index - 1) more" : ""
      let words = values.entries.map { "\($0.name) \(shown($0.value))" }
      table.add(modules[index].name, more, words.joined(separator: ", "))
      index = end
    }
    return "values that differ by client: \(clients.joined(separator: "/"))\n\n\(table.text(page))"
  }

  private func shown(_ value: ParameterValue) -> String {
    switch value {
    case .number(let number): return short(number)
    case .numbers(let numbers):
      let all = numbers.map(short)
      return Set(all).count == 1 ? all[0] : all.joined(separator: "/")
    case .text(let text): return text
    default: return value.json.text()
    }
  }
}
