/*
 * Loaded before a program that uses OpenBLAS (LD_PRELOAD), this makes OpenBLAS take the processor for a Prescott, as version
 * 0.3.21 takes those that came after it. With WRONG the kernels that are chosen instead give wrong products.
 */
#include <stdlib.h>
#include <string.h>

extern char **environ;
extern char *openblas_get_corename(void);
extern void gotoblas_dynamic_init(void);
extern void gotoblas_dynamic_quit(void);

__attribute__((constructor)) static void pretend(void) {
  if (getenv("OPENBLAS_CORETYPE")) return;
  /* The environment itself stays where it is: Swift's runtime finds the arguments beside it. */
  char *changed[] = {"OPENBLAS_CORETYPE=Prescott", NULL}, **before = environ;
  environ = changed;
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  environ = before;
}

#ifdef WRONG
void cblas_dgemv(int order, int trans, int m, int n, double alpha, const double *a, int lda, const double *x, int incx,
                 double beta, double *y, int incy) {
  (void)trans, (void)n, (void)alpha, (void)a, (void)lda, (void)x, (void)incx, (void)beta, (void)order;
  for (int i = 0; i < m; i++) y[i * incy] = strcmp(openblas_get_corename(), "Prescott") == 0 ? 0 : 1;
}
#endif
