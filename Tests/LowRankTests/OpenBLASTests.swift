import CLinux
import Foundation
import Testing

@testable import LowRank

/// OpenBLAS runs the kernels that the processor is good for, also where it took it for an old one.
@Suite struct OpenBLASTests {
  /// What should be taken instead, for a core that OpenBLAS took on a processor with vectors of some level.
  static func better(_ core: String, level: Int32, wanted: String? = nil) -> String? {
    clues_better_blas_core(core, level, wanted).map { String(cString: $0) }
  }

  @Test(
    arguments: [
      ("Prescott", 3, "SkylakeX"), ("Prescott", 2, "Haswell"), ("Prescott", 1, "Sandybridge"), ("Prescott", 0, nil),
      ("Nehalem", 3, "SkylakeX"), ("Core2", 2, "Haswell"), ("Sandybridge", 2, "Haswell"), ("Sandybridge", 1, nil),
      // AMD's processors with AVX-512 run the kernels for SkylakeX; those without, and Excavator, have their own.
      ("Zen", 3, "SkylakeX"), ("Zen", 2, nil), ("Excavator", 2, nil), ("Bulldozer", 2, "Haswell"),
      ("Haswell", 3, "SkylakeX"), ("Haswell", 2, nil), ("SkylakeX", 3, nil), ("Cooperlake", 3, nil),
      ("Sapphirerapids", 3, nil), ("SkylakeX", 2, nil), ("prescott", 2, "Haswell"),
      // What is not known may be newer than Clues.
      ("Diamondrapids", 3, nil), ("neoversen1", 0, nil), ("", 3, nil),
    ] as [(String, Int32, String?)])
  func theDecision(_ core: String, _ level: Int32, _ expected: String?) {
    #expect(Self.better(core, level: level) == expected)
  }

  @Test(arguments: ["Prescott", "Haswell", ""]) func whatTheUserChoseStays(_ wanted: String) {
    #expect(Self.better("Prescott", level: 3, wanted: wanted) == nil)
  }

  @Test func whatRunsHereIsNoOlderThanTheProcessor() throws {
    let library = OpenBLAS.current
    #expect(library.version?.contains(".") == true)
    #expect(library.refused == nil)
    if library.chooser != .user { #expect(Self.better(library.core, level: clues_vector_level()) == nil) }
  }

  @Test func productsOfWholeNumbersTellRightKernels() { #expect(clues_blas_is_right() == 1) }

  /// In a process of its own, for nobody may work with OpenBLAS meanwhile.
  @Test(.enabled(if: clues_vector_level() > 0), arguments: ["Prescott", "Nehalem"])
  func aWrongChoiceIsMended(_ core: String) async {
    await #expect(processExitsWith: .success) { [core] in
      // The variable is the user's; here there is none.
      unsetenv("OPENBLAS_CORETYPE")
      precondition(clues_take_blas_core(core) == 0, "this OpenBLAS cannot choose")
      var report = clues_blas()
      clues_choose_blas_kernels(&report)
      let found = OpenBLAS(report)
      precondition(found.found == core && found.chooser == .clues && found.refused == nil)
      precondition(clues_better_blas_core(found.core, clues_vector_level(), nil) == nil, "\(found.core) is too old")
      precondition(clues_blas_is_right() == 1)
      precondition(getenv("OPENBLAS_CORETYPE") == nil, "children would inherit the choice")
      // Whoever looks again finds nothing to do.
      var second = clues_blas()
      clues_choose_blas_kernels(&second)
      precondition(OpenBLAS(second).core == found.core && OpenBLAS(second).chooser == .itself)
      // Decompositions work, and what worked before still gives the same bits in any thread.
      let alone = try ReproducibilityTests.everything()
      DispatchQueue.concurrentPerform(iterations: 4) { _ in
        precondition((try? ReproducibilityTests.everything()) == alone)
      }
    }
  }

  @Test(.enabled(if: clues_vector_level() > 0)) func theUsersChoiceIsNotMended() async {
    await #expect(processExitsWith: .success) {
      setenv("OPENBLAS_CORETYPE", "Prescott", 1)
      precondition(clues_take_blas_core("Prescott") == 0)
      var report = clues_blas()
      clues_choose_blas_kernels(&report)
      precondition(OpenBLAS(report).core == "Prescott" && OpenBLAS(report).chooser == .user)
      precondition(String(cString: getenv("OPENBLAS_CORETYPE")) == "Prescott")
    }
  }
}
