import Diagnostics
import TestSupport
import Testing

@testable import LowRank

@Suite struct MatrixTests {
  @Test func elementsLieRowAfterRow() throws {
    var matrix = try Matrix<Float>(rows: 2, columns: 3, [1, 2, 3, 4, 5, 6])
    #expect(matrix[1, 0] == 4)
    matrix[1, 0] = 7
    #expect(matrix.elements == [1, 2, 3, 7, 5, 6])
    #expect(try matrix.transposed().elements == [1, 7, 2, 5, 3, 6])
  }

  @Test func copiesAreIndependent() throws {
    let first = try Matrix<Double>(rows: 1, columns: 2, [1, 2])
    var second = first
    second[0, 0] = 5
    #expect(first.elements == [1, 2])
    #expect(second.elements == [5, 2])
    #expect(first != second)
  }

  @Test func aProductIntoACopyLeavesTheOriginal() throws {
    let first = try Matrix<Double>(rows: 1, columns: 1, [3])
    var second = first
    try second.set(to: first.whole, times: first.whole, accumulating: true)
    #expect(first.elements == [3])
    #expect(second.elements == [12])
  }

  @Test(arguments: [(-1, 2), (Int.max, 2), (Int.max, Int.max), (Int.max / 8, 4)])
  func impossibleSizesAreRefused(rows: Int, columns: Int) {
    expectFailure(.badData, "invalid matrix size") { try Matrix<Double>(rows: rows, columns: columns) }
    expectFailure(.badData, "shape mismatch") { try Matrix<Double>(rows: rows, columns: columns, [1]) }
  }

  @Test func sidesBeyondFortranAreRefused() {
    expectFailure(.badData, "more than the linear algebra library supports") { try fortran(1 << 31) }
    #expect(throws: Never.self) { try fortran(1 << 31 - 1) }
  }

  @Test(arguments: [(3, 4, 5), (1, 7, 1), (70, 3, 40), (0, 2, 3), (2, 0, 3), (2, 3, 0)])
  func productsAgreeWithLoops(m: Int, k: Int, n: Int) throws {
    let (x, y) = try (randomMatrix(m, k, seed: 1), randomMatrix(k, n, seed: 2))
    let expected = Plain(x) * Plain(y)
    let plain = try product(x.widened().whole, y.widened().whole)
    #expect((Plain(plain) - expected).energy < 1e-24)
    let turned = try product(x.transposed().widened().whole.transposed, y.transposed().widened().whole.transposed)
    #expect((Plain(turned) - expected).energy < 1e-24)
    #expect((Plain(try product(x.whole, y.whole)) - expected).energy < 1e-9)
  }

  @Test(arguments: [(3, 8), (8, 3), (5, 5), (1, 6), (6, 1), (0, 4), (4, 0), (40, 90)])
  func rowFactorizationGivesTheMatrixBack(rows: Int, width: Int) throws {
    let matrix = try randomMatrix(rows, width, seed: 3).widened()
    let factorization = try RowFactorization(matrix)
    #expect((Plain(try factorization.expand(factorization.lower)) - Plain(matrix)).energy < 1e-24)
    let q = Plain(try factorization.orthonormalRows())
    let unit = Plain(rows: q.rows, columns: q.rows) { $0 == $1 ? 1 : 0 }
    #expect((q * q.transposed - unit).energy < 1e-24)
    for row in 0..<factorization.lower.rows {
      for column in row + 1..<max(row + 1, factorization.lower.columns) {
        #expect(factorization.lower[row, column] == 0)
      }
    }
  }

  @Test(arguments: [(6, 4), (4, 6), (1, 5), (5, 1), (0, 3), (3, 0)])
  func singularValuesAgreeWithJacobi(rows: Int, columns: Int) throws {
    let matrix = try randomMatrix(rows, columns, seed: 4)
    let found = try SingularValueDecomposition(matrix.widened())
    #expect(found.values.count == min(rows, columns))
    for (mine, theirs) in zip(found.values, Plain(matrix).singularValues) { #expect(abs(mine - theirs) < 1e-13) }
    let scaled = Plain(rows: found.values.count, columns: columns) { found.values[$0] * found.right[$0, $1] }
    #expect((Plain(found.left).transposed * scaled - Plain(matrix)).energy < 1e-24)
  }

  @Test func decompositionsRefuseWhatIsNotFinite() throws {
    let matrix = try Matrix<Double>(rows: 2, columns: 2, [1, .nan, 0, 1])
    expectFailure(.badData, "beyond the range of float64") { try SingularValueDecomposition(matrix) }
  }

  @Test func eigenvectorsDiagonalise() throws {
    let x = Plain(try randomMatrix(5, 7, seed: 5))
    let square = x * x.transposed
    let eigen = try SymmetricEigen(Matrix(rows: 5, columns: 5, square.values))
    let vectors = Plain(eigen.vectors)
    let diagonal = Plain(rows: 5, columns: 5) { $0 == $1 ? eigen.values[$0] : 0 }
    #expect((vectors * square * vectors.transposed - diagonal).energy < 1e-20)
    #expect(eigen.values == eigen.values.sorted(by: >))
    #expect(try SymmetricEigen(Matrix(rows: 0, columns: 0)).values.isEmpty)
  }
}
