/// The C table of a merge method.
func mergeMethodTable(_ type: any AnyMergeMethod.Type) -> UnsafePointer<clues_merge_method> {
  var table = clues_merge_method()
  table.struct_size = CLUES_MERGE_METHOD_SIZE
  table.about = descriptor(of: type)
  table.minimum_inputs = UInt32(type.inputCounts.lowerBound)
  table.maximum_inputs = type.inputCounts.upperBound == Int(UInt32.max) ? 0 : UInt32(type.inputCounts.upperBound)
  table.spaces = type.spaces.reduce(0) { $0 | $1.cValue.rawValue }
  table.default_space = type.defaultSpace.cValue
  table.dtypes = 1 << CLUES_F32.rawValue
  table.create = { Backed<clues_merge_method>.create($0, $1, $2, $3) }
  table.destroy = { Instance.destroy($0) }
  if let linear = type as? any LinearMergeMethod.Type {
    table.flags = linear.innerProducts.rawValue
    table.coefficients = { pointer, unit, target in
      Instance.answer(pointer) { instance in
        guard let method = instance.entry as? any LinearMergeMethod else { return }
        let wanted = Swift.type(of: method).innerProducts
        let unit = try MergeUnit(unit!.pointee, host: instance.host, expecting: wanted)
        let coefficients = try method.coefficients(unit)
        guard coefficients.count == unit.inputs.count else {
          throw PluginError(
            "gave \(coefficients.count) coefficients for \(unit.inputs.count) inputs", status: .internalError)
        }
        for (input, coefficient) in zip(unit.inputs, coefficients) { target![input.place] = coefficient }
      }
    }
  }
  if type is any MergeMethod.Type {
    table.merge = { pointer, unit, output in
      Instance.answer(pointer) { instance in
        guard let method = instance.entry as? any MergeMethod else { return }
        try method.merge(MergeUnit(unit!.pointee, host: instance.host), into: MutableMatrixView(output))
      }
    }
  }
  addSurvey(type, to: &table)
  addRows(type, to: &table)
  return Backed.permanentTable(table, type)
}
