#ifndef CLUES_CLONES_H
#define CLUES_CLONES_H

/*
 * Levels, not models: clang tests "arch=haswell" for that very processor and falls back to the baseline on any other.
 */
#if defined(__x86_64__)
#define CLUES_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLUES_CLONES
#endif

#endif
