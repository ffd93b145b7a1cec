/// One module, or one factor of it, of all clients that have it; valid only during the call.
public struct MergeUnit {
  /// The module's name, such as `model.layers.3.self_attn.q_proj`.
  public let module: String
  public let space: MergeSpace
  public let part: MergePart

  /// The clients' inputs in the order of their names, regardless of the host's order, so that no sum depends on it.
  public let inputs: [MergeInput]
  public let host: Host
  let table: clues_merge_unit

  /// ⟨ΔWᵢ, ΔWⱼ⟩ in this module, for methods that want ``InnerProducts/module``.
  public func innerProduct(_ first: MergeInput, _ second: MergeInput) -> Double {
    table.inner_products[first.place * inputs.count + second.place]
  }

  /// ⟨ΔWᵢ, ΔWⱼ⟩ summed over all modules, for methods that want ``InnerProducts/adapter``.
  public func adapterInnerProduct(_ first: MergeInput, _ second: MergeInput) -> Double {
    table.adapter_inner_products[first.place * inputs.count + second.place]
  }

  /// - parameter expected: The inner products that the host must have provided.
  init(_ table: clues_merge_unit, host: Host, expecting expected: InnerProducts = []) throws {
    guard table.struct_size >= CLUES_MERGE_UNIT_SIZE,
      table.inner_products != nil || !expected.contains(.module),
      table.adapter_inner_products != nil || !expected.contains(.adapter)
    else { throw PluginError("the host's unit lacks requested data", status: .invalidArgument) }
    self.table = table
    self.host = host
    module = String(cString: table.module)
    space = try MergeSpace(known: table.space, "space")
    part = try MergePart(known: table.part, "part")
    inputs = try (0..<Int(table.input_count)).map { try MergeInput(table.inputs[$0]!.pointee, place: $0, host: host) }
      .sorted { $0.client.utf8.lexicographicallyPrecedes($1.client.utf8) }
  }
}

/// The part of its module that a unit contains.
public enum MergePart: CaseIterable, Sendable {
  /// The module's delta.
  case whole
  /// The factor A.
  case a
  /// The factor B.
  case b
}

extension MergePart: CCounterpart {
  var cValue: clues_part {
    switch self {
    case .whole: CLUES_PART_WHOLE
    case .a: CLUES_PART_A
    case .b: CLUES_PART_B
    }
  }
}

/// One client's input in a unit.
public struct MergeInput {
  public let client: String
  public let weight: Double

  /// The random stream of seed, client, module and part.
  public let stream: UInt64

  /// The matrix; empty in calls for coefficients, and if it is not entirely in memory.
  public let matrix: MatrixView

  /// The rows of the matrix, whether in memory or not.
  public let rows: MatrixRows

  /// The client's index among all clients of the merge, some of which a unit may lack.
  let index: Int

  /// The host's index of the input in the unit.
  let place: Int

  init(_ table: clues_merge_input, place: Int, host: Host) throws {
    client = String(cString: table.client)
    weight = table.weight
    stream = table.stream
    rows = try MatrixRows(table.value, of: place, host: host)
    matrix = try table.value.map { try MatrixView($0) } ?? .empty
    index = Int(table.index)
    self.place = place
  }
}
