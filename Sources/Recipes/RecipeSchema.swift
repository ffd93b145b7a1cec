import JSON

/// The recipe language as a JSON Schema, for editors; generated from the declarations that the reader uses.
public enum RecipeSchema {
  /// JSON Schema, draft 2020-12.
  public static var json: JSONValue {
    var jsonSchema: JSONObject = [
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "description": "What a run of Clues does: score the clients' samples, select, and merge their adapters into one.",
    ]
    for (key, value) in Recipe.jsonSchema.members { jsonSchema[key] = value }
    jsonSchema["$defs"] = .object(ParameterSetting.definitions)
    return .object(jsonSchema)
  }
}
