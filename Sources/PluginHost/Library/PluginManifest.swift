import Diagnostics
import JSON
import Tensors

/// The description of a library in a section of its file: readable without running any of its code.
///
/// The section `clues_manifest` is JSON and equal to the tables that the entry function returns. A worker compares the two
/// before anything else runs, so that no library can be different from what it says.
public enum PluginManifest {
  /// The name of the section.
  public static let section = "clues_manifest"
  static let schema = "clues/plugin-manifest/1"
  /// The maximum size of a manifest, in bytes.
  static let largest = 1 << 20

  /// The error for a library that does not match its manifest.
  static func mismatch(_ path: String) -> Failure {
    Failure(
      .pluginFailed, "does not hold the plugins that its manifest describes",
      advice: "its author must regenerate the manifest: clues plugins manifest FILE", file: path)
  }

  /// The manifest in the file of a library.
  ///
  /// - throws: ``Failure`` `pluginFailed` if it is missing or invalid.
  package static func read(from file: Bytes) throws -> JSONObject {
    guard let bytes = try PluginHost.section(section, of: file) else {
      throw Failure(
        .pluginFailed, "has no manifest (section \(section)), which must describe it before its code runs",
        advice: "its author adds one with `clues plugins manifest FILE` and objcopy: see Documentation/PluginABI.md")
    }
    guard bytes.count <= largest else {
      throw Failure(.pluginFailed, "has a manifest of \(bytes.count) bytes, more than the limit of \(largest)")
    }
    var limits = Limits()
    limits[.jsonDepth] = 16
    limits[.jsonValues] = 100_000
    let value: JSONValue
    do {
      value = try bytes.withUnsafeBytes { try JSONReader(limits).read($0) }
    } catch let failure as Failure {
      throw Failure(.pluginFailed, "has a manifest that is not JSON: \(failure.message)")
    }
    guard let object = value.objectValue, object["schema"]?.stringValue == schema else {
      throw Failure(.pluginFailed, "has a manifest that is not of the schema \(schema)")
    }
    return object
  }
}

extension PluginLibraryFile {
  /// The manifest that describes the library.
  public var manifest: JSONValue {
    .object([
      "schema": .string(PluginManifest.schema), "abi_minor": JSONValue(abiMinor), "name": .string(name),
      "version": .string(version), "vendor": JSONValue(vendor), "license": JSONValue(license),
      "merge_methods": .array(mergeMethods.map { .object($0.manifest) }),
      "scorers": .array(scorers.map { .object($0.manifest) }),
      "threshold_rules": .array(thresholdRules.map { .object($0.about.manifest) }),
    ])
  }

  /// A library as its manifest describes it, only for reading.
  package init(described manifest: JSONObject, path: String) throws {
    let nothing = Failure(.untrustedPlugin, "is only described here", file: path)
    try self.init(manifest, path: path, digest: "", access: .refused(nothing))
  }

  /// A library as its manifest describes it.
  ///
  /// - parameter access: How to reach its code.
  init(_ manifest: JSONObject, path: String, digest: String, access: PluginCode) throws {
    let reader = ManifestReader(manifest, "its manifest")
    let identity = PluginIdentity(
      path: path, library: try reader.text("name"), version: try reader.text("version"), digest: digest)
    self.identity = identity
    refusal = if case .refused(let failure) = access { failure } else { nil }
    vendor = try reader.optionalText("vendor")
    license = try reader.optionalText("license")
    abiMinor = try reader.integer("abi_minor", in: 0...Int(UInt32.max))
    mergeMethods = try reader.objects("merge_methods").map { try .init($0, in: identity, access: access) }
    scorers = try reader.objects("scorers").map { try .init($0, in: identity, access: access) }
    thresholdRules = try reader.objects("threshold_rules").map { try .init($0, in: identity, access: access) }
  }
}

extension PluginDescription {
  var manifest: JSONObject {
    [
      "id": .string(id), "summary": .string(summary), "details": .string(details), "reference": .string(reference),
      "parameters": parameters.json,
    ]
  }

  init(_ reader: ManifestReader, kind: Kind, in library: PluginIdentity) throws {
    try self.init(
      kind: kind, id: reader.text("id"), summary: reader.text("summary"), details: reader.text("details"),
      reference: reader.text("reference"),
      parameters: { try ParameterSchema(properties: reader.value("parameters")) }, in: library)
  }
}

extension MergeMethodPlugin {
  var manifest: JSONObject {
    var object = about.manifest
    object["minimum_inputs"] = JSONValue(minimumInputs)
    object["maximum_inputs"] = maximumInputs == .max ? .null : JSONValue(maximumInputs)
    object["spaces"] = JSONValue(spaces.map(\.rawValue))
    object["default_space"] = .string(defaultSpace.rawValue)
    object["linear"] = .bool(isLinear)
    object["wants_inner_products"] = .bool(wantsInnerProducts)
    object["wants_adapter_inner_products"] = .bool(wantsAdapterInnerProducts)
    object["survey_passes"] = JSONValue(surveyPasses)
    if mergesRows { object["merges_rows"] = true }
    if surveysRows { object["surveys_rows"] = true }
    return object
  }

  init(_ reader: ManifestReader, in library: PluginIdentity, access: PluginCode) throws {
    about = try PluginDescription(reader, kind: .mergeMethod, in: library)
    minimumInputs = try reader.integer("minimum_inputs", in: 1...Int(UInt32.max))
    maximumInputs = try reader.optionalInteger("maximum_inputs", in: minimumInputs...Int(UInt32.max)) ?? .max
    spaces = try reader.texts("spaces").map { try reader.choice("spaces", $0) }
    let preferred: Space = try reader.choice("default_space", reader.text("default_space"))
    guard spaces.contains(preferred) else { throw reader.fault("has a default_space that is not one of its spaces") }
    defaultSpace = preferred
    isLinear = try reader.flag("linear")
    wantsInnerProducts = try reader.flag("wants_inner_products")
    wantsAdapterInnerProducts = try reader.flag("wants_adapter_inner_products")
    surveyPasses = try reader.integer("survey_passes", in: 0...16)
    mergesRows = try reader.optionalFlag("merges_rows")
    surveysRows = try reader.optionalFlag("surveys_rows")
    guard isLinear || !spaces.contains(.stack) else { throw reader.fault("stacks without being linear") }
    code = access
  }
}

extension ScorerPlugin {
  var manifest: JSONObject {
    var object = about.manifest
    object["scores"] = scoresClients ? "clients" : "samples"
    // Omitted if false, so that manifests from before this member stay valid.
    if alternativesAgree { object["alternatives_agree"] = true }
    return object
  }

  init(_ reader: ManifestReader, in library: PluginIdentity, access: PluginCode) throws {
    about = try PluginDescription(reader, kind: .scorer, in: library)
    let granularity = try reader.text("scores")
    guard ["clients", "samples"].contains(granularity) else { throw reader.fault("scores neither samples nor clients") }
    scoresClients = granularity == "clients"
    alternativesAgree = try reader.optionalFlag("alternatives_agree")
    code = access
  }
}

extension ThresholdRulePlugin {
  init(_ reader: ManifestReader, in library: PluginIdentity, access: PluginCode) throws {
    about = try PluginDescription(reader, kind: .thresholdRule, in: library)
    code = access
  }
}
