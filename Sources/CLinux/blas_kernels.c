#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clues_system.h"

/*
 * OpenBLAS, where it is linked; weak, for this library can do without. The gotoblas functions are there only if it was built
 * for many processors (DYNAMIC_ARCH). They are exported but not documented: driver/others/dynamic.c of its source.
 */
extern char *openblas_get_corename(void) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

/* The routines whose kernels LAPACK spends its time in, as cblas.h declares them; enumerations are ints. */
extern void cblas_sgemm(int order, int transa, int transb, int m, int n, int k, float alpha, const float *a, int lda,
                        const float *b, int ldb, float beta, float *c, int ldc) __attribute__((weak));
extern void cblas_dgemm(int order, int transa, int transb, int m, int n, int k, double alpha, const double *a, int lda,
                        const double *b, int ldb, double beta, double *c, int ldc) __attribute__((weak));
extern void cblas_dgemv(int order, int trans, int m, int n, double alpha, const double *a, int lda, const double *x,
                        int incx, double beta, double *y, int incy) __attribute__((weak));
extern void cblas_dtrmm(int order, int side, int uplo, int trans, int diag, int m, int n, double alpha, const double *a,
                        int lda, double *b, int ldb) __attribute__((weak));
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112, UPPER = 121, NON_UNIT = 131, LEFT = 141 };

static const char setting[] = "OPENBLAS_CORETYPE";

/* ------------------------------------------------------------------------------------------- what should be taken */

int clues_vector_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return 3;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 2;
  if (__builtin_cpu_supports("avx")) return 1;
#endif
  return 0;
}

/* The vectors that the kernels of a core use; -1 for a core of which nothing is known here, which may be a newer one. */
static int level_of(const char *core) {
  static const struct {
    const char *core;
    int level;
  } cores[] = {
      {"Katmai", 0},      {"Coppermine", 0},   {"Northwood", 0},      {"Prescott", 0},    {"Banias", 0},
      {"Atom", 0},        {"Core2", 0},        {"Penryn", 0},         {"Dunnington", 0},  {"Nehalem", 0},
      {"Athlon", 0},      {"Opteron", 0},      {"Opteron_SSE3", 0},   {"Barcelona", 0},   {"Nano", 0},
      {"Bobcat", 0},      {"Sandybridge", 1},  {"Bulldozer", 1},      {"Piledriver", 1},  {"Steamroller", 1},
      {"Excavator", 2},   {"Haswell", 2},      {"Zen", 2},            {"SkylakeX", 3},    {"Cooperlake", 3},
      {"SapphireRapids", 3},
  };
  for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
    if (strcasecmp(core, cores[i].core) == 0) return cores[i].level;
  return -1;
}

const char *clues_better_blas_core(const char *core, int level, const char *wanted) {
  /* By level, not by maker: the kernels for SkylakeX are as right, and as fast, on AMD's processors with AVX-512. */
  static const char *const choices[] = {NULL, "Sandybridge", "Haswell", "SkylakeX"};
  int now = level_of(core);
  return wanted || now < 0 || level > 3 || now >= level ? NULL : choices[level];
}

/* --------------------------------------------------------------------------------------------------------- taking it */

extern char **environ;

int clues_take_blas_core(const char *core) {
  if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit) return -1;
  size_t count = 0;
  while (environ && environ[count]) count++;
  /* An environment of its own instead of setenv, which other threads that read theirs would not survive. It and its text are
     never freed, for one of them may be looking at it. */
  char **changed = malloc((count + 2) * sizeof *changed);
  char *text = malloc(sizeof setting + 1 + strlen(core));
  if (!changed || !text) {
    free(changed);
    free(text);
    return -1;
  }
  sprintf(text, "%s=%s", setting, core);
  changed[0] = text;
  for (size_t i = 0; i <= count; i++) changed[i + 1] = environ ? environ[i] : NULL;
  char **before = environ;
  environ = changed;
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  environ = before;
  return 0;
}

/* Small whole numbers, whose sums of products are exact in any order; `seed` tells one matrix from another. */
static int number(size_t place, unsigned seed) {
  return (int)((place * 2654435761u + seed * 40503u) >> 7 & 7) - 4;
}

/* Whether C = A·B + C comes out right, with A [m, k] and B [k, n] stored as they are or with rows for columns. */
#define PRODUCT_IS_RIGHT(name, type, gemm)                                                                        \
  static int name(int m, int n, int k, int transa, int transb) {                                                  \
    size_t sizes[] = {(size_t)m * k, (size_t)k * n, (size_t)m * n};                                               \
    type *a = malloc((sizes[0] + sizes[1] + 2 * sizes[2]) * sizeof *a);                                           \
    if (!a) return 0;                                                                                             \
    type *b = a + sizes[0], *c = b + sizes[1], *expected = c + sizes[2];                                          \
    for (size_t i = 0; i < sizes[0]; i++) a[i] = (type)number(i, 1);                                              \
    for (size_t i = 0; i < sizes[1]; i++) b[i] = (type)number(i, 2);                                              \
    for (size_t i = 0; i < sizes[2]; i++) expected[i] = c[i] = (type)number(i, 3);                                \
    for (int row = 0; row < m; row++)                                                                             \
      for (int inner = 0; inner < k; inner++) {                                                                   \
        type factor = transa ? a[(size_t)inner * m + row] : a[(size_t)row * k + inner];                           \
        for (int column = 0; column < n; column++)                                                                \
          expected[(size_t)row * n + column] +=                                                                   \
              factor * (transb ? b[(size_t)column * k + inner] : b[(size_t)inner * n + column]);                  \
      }                                                                                                           \
    gemm(ROW_MAJOR, transa ? TRANSPOSED : PLAIN, transb ? TRANSPOSED : PLAIN, m, n, k, 1, a, transa ? m : k, b,   \
         transb ? k : n, 1, c, n);                                                                                \
    int right = memcmp(c, expected, sizes[2] * sizeof *c) == 0;                                                   \
    free(a);                                                                                                      \
    return right;                                                                                                 \
  }
PRODUCT_IS_RIGHT(float_product_is_right, float, cblas_sgemm)
PRODUCT_IS_RIGHT(double_product_is_right, double, cblas_dgemm)

/* Whether a matrix times a vector, and a triangular one times a matrix, come out right. */
static int triangle_and_vector_are_right(void) {
  enum { N = 45 };
  static const int ways[] = {PLAIN, TRANSPOSED};
  double a[N * N], x[N], y[N], b[N * N];
  for (size_t i = 0; i < N * N; i++) a[i] = number(i, 4);
  for (int way = 0; way < 2; way++) {
    for (size_t i = 0; i < N; i++) x[i] = number(i, 5), y[i] = number(i, 6);
    cblas_dgemv(ROW_MAJOR, ways[way], N, N, 1, a, N, x, 1, 1, y, 1);
    for (size_t i = 0; i < N; i++) {
      double sum = number(i, 6);
      for (size_t j = 0; j < N; j++) sum += (way ? a[j * N + i] : a[i * N + j]) * x[j];
      if (y[i] != sum) return 0;
    }
    for (size_t i = 0; i < N * N; i++) b[i] = number(i, 7);
    cblas_dtrmm(ROW_MAJOR, LEFT, UPPER, ways[way], NON_UNIT, N, N, 1, a, N, b, N);
    for (size_t i = 0; i < N; i++)
      for (size_t column = 0; column < N; column++) {
        double sum = 0;
        for (size_t j = way ? 0 : i; j < (way ? i + 1 : N); j++)
          sum += (way ? a[j * N + i] : a[i * N + j]) * number(j * N + column, 7);
        if (b[i * N + column] != sum) return 0;
      }
  }
  return 1;
}

int clues_blas_is_right(void) {
  if (!cblas_sgemm || !cblas_dgemm || !cblas_dgemv || !cblas_dtrmm) return 0;
  for (int way = 0; way < 4; way++)
    if (!float_product_is_right(33, 29, 37, way & 1, way >> 1) || !double_product_is_right(33, 29, 37, way & 1, way >> 1))
      return 0;
  /* More than a million products take another way than few. */
  return float_product_is_right(130, 75, 131, 0, 0) && double_product_is_right(130, 75, 131, 1, 0) &&
         triangle_and_vector_are_right();
}

/* ---------------------------------------------------------------------------------------------------------- once */

void clues_choose_blas_kernels(clues_blas *report) {
  memset(report, 0, sizeof *report);
  report->config = openblas_get_config ? openblas_get_config() : "";
  report->found = report->core = openblas_get_corename ? openblas_get_corename() : "";
  const char *wanted = getenv(setting);
  report->chooser = wanted ? CLUES_BLAS_CHOSEN_BY_USER : CLUES_BLAS_CHOSEN_BY_ITSELF;
  const char *better = clues_better_blas_core(report->core, clues_vector_level(), wanted);
  if (!better || clues_take_blas_core(better) != 0) return;
  report->core = openblas_get_corename();
  if (level_of(report->core) > level_of(report->found) && clues_blas_is_right()) {
    report->chooser = CLUES_BLAS_CHOSEN_BY_CLUES;
    return;
  }
  /* A build without these kernels gives others, which are no fault. */
  if (level_of(report->core) > level_of(report->found)) report->refused = report->core;
  (void)clues_take_blas_core(report->found);
  report->core = openblas_get_corename();
}

static clues_blas chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void) { clues_choose_blas_kernels(&chosen); }

const clues_blas *clues_prepare_blas(void) {
  (void)pthread_once(&once, choose);
  return &chosen;
}
