#include <cblas.h>

/*
 * The few LAPACK routines we call, by their Fortran names: Debian's OpenBLAS brings them, its headers do not.
 * Matrices are column-major, every argument is a pointer. Reference: LAPACK Users' Guide.
 */
#ifndef CLUES_LAPACK_H
#define CLUES_LAPACK_H

#define CLUES_LAPACK(S, T) \
  void S##geqrf_(const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork, int *info); \
  void S##ormqr_(const char *side, const char *trans, const int *m, const int *n, const int *k, const T *a, \
                 const int *lda, const T *tau, T *c, const int *ldc, T *work, const int *lwork, int *info); \
  void S##gesdd_(const char *jobz, const int *m, const int *n, T *a, const int *lda, T *s, T *u, const int *ldu, \
                 T *vt, const int *ldvt, T *work, const int *lwork, int *iwork, int *info); \
  void S##syevd_(const char *jobz, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work, \
                 const int *lwork, int *iwork, const int *liwork, int *info);

CLUES_LAPACK(s, float)
CLUES_LAPACK(d, double)

#undef CLUES_LAPACK
#endif
