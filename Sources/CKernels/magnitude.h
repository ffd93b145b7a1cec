#ifndef CLUES_MAGNITUDE_H
#define CLUES_MAGNITUDE_H

#include <stdint.h>

/* The bits of a float, which may be looked at where it lies. */
typedef uint32_t __attribute__((may_alias)) word;

/* One more than any magnitude. */
static const uint32_t no_magnitude = 0x80000000u;

static inline uint32_t magnitude(word bits) { return bits & 0x7FFFFFFFu; }

static inline const word *words(const float *values) { return (const word *)values; }

#endif
