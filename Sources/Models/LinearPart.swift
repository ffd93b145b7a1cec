/// The linear layers of a block, with their names relative to it in Hugging Face's models.
package enum LinearPart: String, Sendable, CaseIterable {
  case query = "self_attn.q_proj"
  case key = "self_attn.k_proj"
  case value = "self_attn.v_proj"
  case output = "self_attn.o_proj"
  case gate = "mlp.gate_proj"
  case up = "mlp.up_proj"
  case down = "mlp.down_proj"

  static let attention: Set<LinearPart> = [.query, .key, .value, .output]
  static let feedForward: Set<LinearPart> = [.gate, .up, .down]

  /// Rows and columns of its weight.
  func extents(_ shape: ModelShape) -> (outputs: Int, inputs: Int) {
    switch self {
    case .query: (shape.headCount * shape.headWidth, shape.width)
    case .key, .value: (shape.keyValueHeadCount * shape.headWidth, shape.width)
    case .output: (shape.width, shape.headCount * shape.headWidth)
    case .gate, .up: (shape.feedForwardWidth, shape.width)
    case .down: (shape.width, shape.feedForwardWidth)
    }
  }
}
