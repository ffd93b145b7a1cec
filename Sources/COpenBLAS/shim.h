#include <cblas.h>

/*
 * The few LAPACK routines we call, by their Fortran names: Debian's OpenBLAS brings them, its headers do not.
 * Matrices are column-major, every argument is a pointer. Reference: LAPACK Users' Guide.
 * The QR is the one with a compact WY form (geqrt): its panels recurse, which makes it twice as fast as geqrf on the
 * tall and thin matrices we have.
 */
#ifndef CLUES_LAPACK_H
#define CLUES_LAPACK_H

void dgeqrt_(const int *m, const int *n, const int *nb, double *a, const int *lda, double *t, const int *ldt,
             double *work, int *info);
void dgemqrt_(const char *side, const char *trans, const int *m, const int *n, const int *k, const int *nb,
              const double *v, const int *ldv, const double *t, const int *ldt, double *c, const int *ldc,
              double *work, int *info);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
             const int *lwork, int *iwork, const int *liwork, int *info);

#endif
