import Foundation
import JSON
import TestSupport
import Testing

/// The report as a browser shows it and as a validator reads it.
///
/// Both come from elsewhere (`make test` installs them). Where they are missing these tests are skipped, but not in CI.
@Suite struct ReportPageTests {
  private static let browser = program("chromium")
  private static let java = program("java")
  private static let validator = repository.appending(path: ".build-tools/vnu.jar").path
  private static let isCI = ProcessInfo.processInfo.environment["CI"] != nil
  private static let hasBrowser = isCI || browser != nil
  private static let hasValidator = isCI || (java != nil && FileManager.default.fileExists(atPath: validator))

  /// The report of a run of the default chain over the sample bundles.
  private static let report = Result {
    try withWorkingCopy { folder in
      let run = try clues(["run", "recipes/clues-calibrated.yaml", "--output", "out", "--quiet"], in: folder)
      try #require(run.status == 0, "\(run.errors)")
      return try String(contentsOf: folder.appending(path: "out/clues/report.html"), encoding: .utf8)
    }
  }

  /// The page of an experiment on the tiny models.
  private static let experiment = Result {
    try withTemporaryFolder { folder in
      try writeExperiment(into: folder, seeds: "[1, 2]", examples: 1)
      let run = try clues(["experiment", "e.yaml", "--quiet"], in: folder)
      try #require(run.status == 0, "\(run.errors)")
      return try String(contentsOf: folder.appending(path: "runs/e/experiment.html"), encoding: .utf8)
    }
  }

  @Test(.enabled(if: hasValidator, "make test-tools installs the validator"))
  func theValidatorFindsNoFault() throws {
    try withTemporaryFolder { folder in
      let page = folder.appending(path: "report.html")
      try Data(try Self.report.get().utf8).write(to: page)
      let faults = try Self.faults(of: page)
      #expect(faults.isEmpty, "\(faults)")
      // A page with a fault is found out, so the validator is at work.
      try Data(try Self.report.get().replacing("</dl>", with: "<p></dl>", maxReplacements: 1).utf8).write(to: page)
      #expect(try !Self.faults(of: page).isEmpty)
    }
  }

  @Test(
    .enabled(if: hasBrowser, "make test-tools installs the browser"), arguments: [1280, 520], [Scheme.dark, .light])
  func theBrowserShowsItWhole(_ width: Int, _ scheme: Scheme) throws {
    try withTemporaryFolder { folder in
      let page = folder.appending(path: "report.html")
      try Data(try Self.report.get().utf8).write(to: page)
      let picture = folder.appending(path: "picture.png")
      _ = try Self.browse(page, width: width, scheme, ["--screenshot=\(picture.path)"])
      let bytes = try Data(contentsOf: picture)
      #expect(bytes.prefix(8) == Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
      #expect(bytes[16..<20].reduce(0) { $0 << 8 | Int($1) } == width)
      // An empty page compresses to a few kilobytes.
      #expect(bytes.count > 50_000)

      let measured = try Self.measure(page, width: width, scheme)
      #expect(measured["width"]?.intValue == width, "the page is wider than the window")
      #expect(measured["charts"]?.intValue ?? 0 >= 6)
      #expect(measured["flat"]?.intValue == 0, "a chart has no extent")
      let brightness = try #require(measured["brightness"]?.doubleValue)
      #expect(scheme == .dark ? brightness < 64 : brightness > 192)
      // Text that cannot be told from its background is no text: WCAG asks for 4.5.
      let contrast = try #require(measured["contrast"]?.doubleValue)
      #expect(contrast >= 4.5)
    }
  }

  /// The page of a measurement of the tiny models.
  @Test(
    .enabled(if: hasBrowser, "make test-tools installs the browser"), arguments: [1280, 520], [Scheme.dark, .light])
  func theBrowserShowsAMeasurementWhole(_ width: Int, _ scheme: Scheme) throws {
    try withTemporaryFolder { folder in
      let data = ["--data", fixture("capture/validation.jsonl"), "--data", fixture("measure/choices.jsonl")]
      let result = try clues(
        ["measure", fixture("capture/client"), "--base", fixture("capture/base"), "--html", "m.html", "--generate"]
          + data + ["--max-new-tokens", "8", "--quiet"], in: folder)
      try #require(result.status == 0, "\(result.errors)")
      let measured = try Self.measure(folder.appending(path: "m.html"), width: width, scheme)
      #expect(measured["width"]?.intValue == width, "the page is wider than the window")
      #expect(measured["charts"]?.intValue == 6 && measured["flat"]?.intValue == 0)
      #expect(try #require(measured["contrast"]?.doubleValue) >= 4.5)
    }
  }

  /// The page of an experiment with every section and several seeds.
  @Test(
    .enabled(if: hasBrowser, "make test-tools installs the browser"), arguments: [1280, 520], [Scheme.dark, .light])
  func theBrowserShowsAnExperimentWhole(_ width: Int, _ scheme: Scheme) throws {
    try withTemporaryFolder { folder in
      let page = folder.appending(path: "e.html")
      try Data(try Self.experiment.get().utf8).write(to: page)
      let measured = try Self.measure(page, width: width, scheme)
      #expect(measured["width"]?.intValue == width, "the page is wider than the window")
      #expect(measured["charts"]?.intValue == 5 && measured["flat"]?.intValue == 0)
      #expect(try #require(measured["contrast"]?.doubleValue) >= 4.5)
    }
  }

  @Test(.enabled(if: hasValidator, "make test-tools installs the validator"))
  func theValidatorFindsNoFaultInAnExperiment() throws {
    try withTemporaryFolder { folder in
      let page = folder.appending(path: "e.html")
      try Data(try Self.experiment.get().utf8).write(to: page)
      let faults = try Self.faults(of: page)
      #expect(faults.isEmpty, "\(faults)")
    }
  }

  enum Scheme: Int, CaseIterable, Sendable {
    case dark = 0
    case light = 1
  }

  /// What a script measures in a copy of the page that may run one; the report itself may not.
  private static func measure(_ page: URL, width: Int, _ scheme: Scheme) throws -> JSONObject {
    let script = """
      <script>
      const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number); return [r, g, b] };
      const tone = c => { const v = light(c).map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4 });
        return .2126 * v[0] + .7152 * v[1] + .0722 * v[2] };
      const back = getComputedStyle(document.body).backgroundColor;
      const ground = getComputedStyle(document.documentElement).backgroundColor;
      const under = back === 'rgba(0, 0, 0, 0)' ? ground : back;
      const texts = [...document.querySelectorAll('p, dt, dd, th, td, h1, h2, figcaption, summary')];
      const contrasts = texts.map(e => { const [a, b] = [tone(getComputedStyle(e).color), tone(under)].sort((x, y) => y - x);
        return (a + .05) / (b + .05) });
      const charts = [...document.querySelectorAll('svg[role=img]')];
      document.body.textContent = JSON.stringify({
        width: document.documentElement.scrollWidth, charts: charts.length,
        flat: charts.filter(c => c.getBoundingClientRect().width < 40 || c.getBoundingClientRect().height < 10).length,
        brightness: light(under).reduce((a, b) => a + b) / 3, contrast: Math.min(...contrasts)});
      </script></body>
      """
    var text = try String(contentsOf: page, encoding: .utf8)
    let policy = try #require(text.firstRange(of: /<meta http-equiv="Content-Security-Policy"[^>]*>/))
    text.removeSubrange(policy)
    text = text.replacing("</body>", with: script)
    let copy = page.deletingLastPathComponent().appending(path: "measured.html")
    try Data(text.utf8).write(to: copy)
    let shown = try browse(copy, width: width, scheme, ["--dump-dom"])
    let found = try #require(shown.firstMatch(of: /<body>(\{.*?\})/)).1
    return try #require(try JSONReader().read(String(found)).objectValue)
  }

  private static func browse(_ page: URL, width: Int, _ scheme: Scheme, _ options: [String]) throws -> String {
    let profile = page.deletingLastPathComponent().appending(path: "profile").path
    return try run(
      try #require(browser, "chromium is missing"),
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=\(profile)",
        "--window-size=\(width),2400", "--blink-settings=preferredColorScheme=\(scheme.rawValue)",
      ] + options + [page.absoluteString]
    ).output
  }

  /// What the validator says of the markup; its knowledge of style sheets is older than ours.
  private static func faults(of page: URL) throws -> [String] {
    let text = try output(
      try #require(java, "java is missing"),
      ["-jar", validator, "--format", "json", "--stdout", "--exit-zero-always", page.path])
    let messages = try JSONReader().read(text).objectValue?["messages"]?.arrayValue
    return try #require(messages).compactMap { $0.objectValue?["message"]?.stringValue }.filter {
      !$0.hasPrefix("CSS:")
    }
  }

  private static func program(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
