import CLinux
import Diagnostics
import Files
import Foundation
import Tensors

/// Runs `body`; returns also the start of the first line that it writes to standard output, if any.
func watchingOutput<Result>(_ body: () throws -> Result) throws -> (Result, line: String?) {
  fflush(nil)
  let kept = dup(1)
  var ends: [Int32] = [-1, -1]
  guard kept >= 0, clues_pipe(&ends) == 0, dup2(ends[1], 1) == 1
  else { throw Failure(system: .pluginFailed, "standard output cannot be captured") }
  defer { for file in [kept] + ends { close(file) } }
  let result: Result
  do {
    defer {
      fflush(nil)
      dup2(kept, 1)
    }
    result = try body()
  }
  var buffer = [UInt8](repeating: 0, count: 256)
  let count = read(ends[0], &buffer, buffer.count)
  guard count > 0 else { return (result, nil) }
  let text = String(decoding: buffer.prefix(count), as: UTF8.self)
  return (result, "'\(text.prefix { !$0.isNewline }.prefix(60))'")
}
