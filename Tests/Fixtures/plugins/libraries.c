/* Uses what honest plugins use of the libraries that are there: linear algebra, locale, time, random numbers, the heap. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

extern void cblas_sgemm(int order, int left, int right, int rows, int columns, int inner, float alpha, const float *a,
                        int a_step, const float *b, int b_step, float beta, float *c, int c_step);

static int compare(const void *left, const void *right) {
  return *(const int *)left < *(const int *)right ? -1 : *(const int *)left > *(const int *)right;
}

/* Which of them does not work; 0 when all do. */
static int broken(void) {
  enum { side = 300 };
  static float a[side * side], c[side * side];
  for (int i = 0; i < side * side; i++) a[i] = i / side == i % side;
  cblas_sgemm(101, 111, 111, side, side, side, 2, a, side, a, side, 0, c, side);
  for (int i = 0; i < side * side; i++)
    if (c[i] != 2 * a[i]) return 1;

  char text[128];
  time_t now = time(NULL);
  struct tm parts;
  if (!localtime_r(&now, &parts) || strftime(text, sizeof text, "%c", &parts) == 0) return 2;
  if (!setlocale(LC_ALL, NULL) || mbstowcs(NULL, "\xc3\xbc", 0) == 0) return 3;
  if (getrandom(text, sizeof text, 0) != sizeof text) return 4;

  int *numbers = malloc(sizeof *numbers * 1000000);
  if (!numbers) return 5;
  for (int i = 0; i < 1000000; i++) numbers[i] = (i * 7919) % 1000003;
  qsort(numbers, 1000000, sizeof *numbers, compare);
  for (int i = 1; i < 1000000; i++)
    if (numbers[i - 1] > numbers[i]) return 6;
  numbers = realloc(numbers, 64 << 20);
  if (!numbers) return 7;
  free(numbers);

  struct timespec moment = {0, 1000};
  if (clock_gettime(CLOCK_MONOTONIC, &moment) != 0 || nanosleep(&(struct timespec){0, 1000}, NULL) != 0) return 8;
  if (sysconf(_SC_NPROCESSORS_ONLN) < 1 || sysconf(_SC_PHYS_PAGES) < 1 || isatty(2)) return 9;
  if (fprintf(stderr, "%.3f\n", exp(1)) < 0) return 10;
  return 0;
}

#define ON_MERGE                                                                                              \
  int which = broken();                                                                                       \
  if (which) {                                                                                                \
    char reason[64];                                                                                          \
    snprintf(reason, sizeof reason, "number %d does not work", which);                                        \
    return refuse(self->host, CLUES_INTERNAL, reason);                                                        \
  }
#include "bad/method.h"
