/* Brings a function that the host may have, too, and shows it to everybody. */
#include "method.h"
CLUES_EXPORT float cblas_sdot(int n, const float *x, int a, const float *y, int b);
float cblas_sdot(int n, const float *x, int a, const float *y, int b) {
  float total = 0;
  for (int i = 0; i < n; i++) total += x[i * a] * y[i * b];
  return total;
}
