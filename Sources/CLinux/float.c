#include "clues_system.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

uint64_t clues_float_control(void) {
  uint16_t x87;
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  /* The lowest six bits of MXCSR say what has occurred. */
  return (uint64_t)x87 << 32 | (_mm_getcsr() & 0xFFC0u);
}
#elif defined(__aarch64__)
uint64_t clues_float_control(void) {
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
#endif
