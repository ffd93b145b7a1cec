import Diagnostics
import Foundation
import JSON
import TestSupport
import Testing

@testable import PluginHost

/// A stranger's file is read, never believed.
@Suite struct ManifestTests {
  /// What the host makes of a file with these bytes.
  func failure(_ bytes: Data) throws -> Failure? {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "x.so").path
      try bytes.write(to: URL(filePath: path))
      let failure = #expect(throws: Failure.self) {
        try UntrustedLibrary(path: path, trust: .empty).library(isolation: .process(workerSettings()))
      }
      #expect(failure?.file == path)
      #expect(failure?.kind == .pluginFailed)
      return failure
    }
  }

  /// A real library without a manifest.
  private static let plain = Result {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "rogue.so").path
      try Compiler.clang.compilePlugin(fixture("plugins/rogue.c"), to: path)
      return try Data(contentsOf: URL(filePath: path))
    }
  }

  /// The same library with these bytes as its manifest.
  func marked(_ manifest: String) throws -> Data {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "rogue.so").path
      try Self.plain.get().write(to: URL(filePath: path))
      try mark(path, with: Data(manifest.utf8))
      return try Data(contentsOf: URL(filePath: path))
    }
  }

  static let manifest = """
    {"schema": "clues/plugin-manifest/1", "abi_minor": 0, "name": "n", "version": "1.0.0", "vendor": null,
     "license": null, "merge_methods": [{"id": "m", "summary": "s", "details": "", "reference": "",
     "parameters": {}, "minimum_inputs": 1, "maximum_inputs": null, "spaces": ["core", "delta"],
     "default_space": "delta", "linear": false, "wants_inner_products": false,
     "wants_adapter_inner_products": false, "survey_passes": 0}], "scorers": [], "threshold_rules": []}
    """

  @Test func aGoodOneIsRead() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "x.so").path
      try marked(Self.manifest).write(to: URL(filePath: path))
      let library = try UntrustedLibrary(path: path, trust: .empty).library(isolation: .process(workerSettings()))
      #expect(library.mergeMethods.map(\.spaces) == [[.core, .delta]])
      #expect(library.mergeMethods[0].maximumInputs == .max)
      #expect(library.name == "n" && library.vendor == nil)
    }
  }

  @Test(arguments: [
    ("\"m\"", "\"M!\"", "ids are made of lower case letters"),
    ("\"id\": \"m\"", "\"id\": 7", "has a 'id' that is not a text"),
    ("\"minimum_inputs\": 1", "\"minimum_inputs\": 0", "not a whole number from 1"),
    ("\"minimum_inputs\": 1", "\"minimum_inputs\": 1e99", "not a whole number from 1"),
    ("\"maximum_inputs\": null", "\"maximum_inputs\": -3", "not a whole number from 1"),
    ("[\"core\", \"delta\"]", "[\"core\", \"core\"]", "not a list of different texts"),
    ("[\"core\", \"delta\"]", "[\"astral\"]", "which this host does not know"),
    ("\"default_space\": \"delta\"", "\"default_space\": \"factors\"", "not one of its spaces"),
    ("\"linear\": false", "\"linear\": 0", "neither true nor false"), ("\"linear\": false, ", "", "lacks 'linear'"),
    ("\"survey_passes\": 0", "\"survey_passes\": 17", "not a whole number from 0 to 16"),
    ("\"parameters\": {}", "\"parameters\": []", "its parameters are"),
    ("\"parameters\": {}", "\"parameters\": {\"x\": {\"type\": \"code\"}}", "none of the types"),
    ("\"scorers\": []", "\"scorers\": 1", "has a 'scorers' that is not a list"),
    ("\"scorers\": []", "\"scorers\": [1]", "something in 'scorers' that is not an object"),
    ("manifest/1", "manifest/2", "not of the schema"), ("\"name\": \"n\"", "\"name\": \"n\\u0000\"", "not a text"),
    ("{\"schema\"", "{{\"schema\"", "not JSON"),
    ("\"details\": \"\"", "\"details\": " + String(repeating: "[", count: 100), "not JSON"),
  ]) func whatMakesNoSenseIsNamed(_ part: String, _ change: String, _ message: String) throws {
    let manifest = Self.manifest.replacingOccurrences(of: part, with: change)
    #expect(manifest != Self.manifest)
    #expect(try failure(marked(manifest))?.message.contains(message) == true)
  }

  @Test func aGiantIsNotRead() throws {
    let giant = Self.manifest + String(repeating: " ", count: 1 << 20)
    #expect(try failure(marked(giant))?.message.hasPrefix("has a manifest of") == true)
  }

  @Test func aLibraryWithoutOneIsNoPlugin() throws {
    let failure = try failure(Self.plain.get())
    #expect(failure?.message.hasPrefix("has no manifest (section clues_manifest)") == true)
    #expect(failure?.advice?.contains("clues plugins manifest FILE") == true)
  }

  @Test(arguments: ["", "\u{7F}ELF", "#!/bin/sh\necho", String(repeating: "x", count: 4096)])
  func whatIsNoELFFileIsNoPlugin(_ text: String) throws {
    #expect(try failure(Data(text.utf8))?.message.hasPrefix("is not a shared library for this system") == true)
  }

  /// Every place of the headers, overwritten with extremes: an error or another reading, never a trap.
  @Test func headersThatLieLeadNowhere() throws {
    let good = try marked(Self.manifest)
    let table = good.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 0x28, as: UInt64.self)) }
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "x.so").path
      var outcomes: Set<Bool> = []
      for index in Array(stride(from: 0x28, to: 64, by: 2)) + Array(stride(from: table, to: good.count - 8, by: 8)) {
        for value in [0, 1, UInt64.max, UInt64(Int64.max), 1 << 63, UInt64(good.count)] {
          var bad = good
          withUnsafeBytes(of: value) { bad.replaceSubrange(index..<index + 8, with: $0) }
          try bad.write(to: URL(filePath: path))
          do {
            _ = try UntrustedLibrary(path: path, trust: .empty)
            outcomes.insert(true)
          } catch let failure as Failure {
            #expect(failure.kind == .pluginFailed)
            outcomes.insert(false)
          }
        }
      }
      #expect(outcomes == [true, false])
    }
  }

  @Test func aFileThatIsCutOffLeadsNowhere() throws {
    let good = try marked(Self.manifest)
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "x.so").path
      for count in stride(from: 0, to: good.count, by: 97) {
        try good.prefix(count).write(to: URL(filePath: path))
        expectFailure(.pluginFailed, count < 64 ? "not a 64-bit little-endian ELF file" : "is a broken ELF file") {
          try UntrustedLibrary(path: path, trust: .empty)
        }
      }
    }
  }

  @Test func aPipeKeepsNobodyWaiting() throws {
    try withTemporaryFolder { folder in
      let path = folder.appending(path: "x.so").path
      #expect(mkfifo(path, 0o600) == 0)
      #expect(throws: Failure(.pluginFailed, "is not a regular file", file: path)) {
        try UntrustedLibrary(path: path, trust: .empty)
      }
    }
  }
}
