import Diagnostics
import Runs

extension RunPlan {
  func text(_ page: PageLayout = PageLayout()) -> String {
    var table = Table(["client", "weight", "rank", "modules", "parameters"], numbers: 1..<5)
    for client in clients {
      table.add(client.name, short(client.weight), span(client.ranks), "\(client.modules)", "\(client.parameters)")
    }
    let coverage =
      partial.isEmpty ? "every client has all of them" : "\(partial.count) of them missing from some clients"
    return """
      \(table.text(page))

      method \(method) in space \(space), written as \(dtype)
      \(modules.count) modules; \(coverage)
      nothing was written
      """
  }
}
