/*
 * What Swift's Glibc module does not bring. Unless they say otherwise, functions answer 0 or a descriptor, or -1 with errno.
 */
#ifndef CLUES_SYSTEM_H
#define CLUES_SYSTEM_H

#include <stdint.h>

/* Exchanges two files or folders in one step. EINVAL where the file system cannot do it. */
int clues_exchange(const char *first, const char *second);

/* Lets the disk begin to take what was written there; a hint, which may come to nothing. */
void clues_start_writing(int descriptor, int64_t offset, int64_t count);

/* ------------------------------------------------------------------------------------------------------- memory */

/* From now on up to 64 MiB of freed memory stay with the process, ready for the next module, instead of going back to the
   system, which would clear every page anew. */
void clues_keep_freed_memory(void);

/* A file of `size` bytes in memory that nobody else can open by name; closed on exec. */
int clues_memory_file(const char *name, uint64_t size);

/* From now on the file keeps its size. */
int clues_seal_size(int file);

/* From now on the file keeps its size, and nobody who maps it anew can write to it; mappings that stand still can. */
int clues_seal_for_reading(int file);

/* From now on nothing about the file changes any more. */
int clues_seal(int file);

/* ----------------------------------------------------------------------------------------------------- messages */

/* Two ends of a channel that keeps messages apart; both closed on exec. */
int clues_channel(int ends[2]);

/* Two ends of a pipe, to read from and to write to; both never block, and are closed on exec. */
int clues_pipe(int ends[2]);

enum { CLUES_MESSAGE_FILES = 8 };

/*
 * Sends one message, with files if there are any, and waits for room, milliseconds at most (-1: for ever). EPIPE when nobody
 * listens any more, EAGAIN when the time is up.
 */
int clues_send(
    int channel, const void *message, uint64_t size, const int *files, uint32_t file_count, int milliseconds);

/*
 * Waits for a message, milliseconds at most (-1: for ever). Gives its size; 0 when the other end is closed; -1 with
 * EAGAIN when the time is up, EMSGSIZE when it does not fit. Files that came along are closed on exec; the places of
 * those that did not come hold -1.
 */
int64_t clues_receive(int channel, void *message, uint64_t capacity, int files[CLUES_MESSAGE_FILES], int milliseconds);

/* ------------------------------------------------------------------------------------------------------ workers */

/* The descriptors of a worker's end of the channel, and of a pipe whose other end its host holds open. */
enum { CLUES_WORKER_CHANNEL = 3, CLUES_WORKER_LIFELINE = 4 };

/*
 * Starts a program as a worker: its end of a channel, nothing to read, the root folder, a process group of its own and no
 * other descriptor but its lifeline. Gives the process, the other end of the channel, never blocking, all that it writes to
 * standard output and error, and the host's end of the lifeline. Lists end with null.
 */
int clues_launch(
    const char *executable, char *const *arguments, char *const *environment, int *channel, int *output_pipe,
    int *lifeline);

/* ------------------------------------------------------------------------------------------------------ sandbox */

/* Who is confined: a worker; a check of a plugin, which watches standard output; a check that starts threads. */
enum { CLUES_CONFINED_WORKER, CLUES_CONFINED_CHECK, CLUES_CONFINED_THREADED_CHECK };

/*
 * Dies with the process `parent`, and gives up for good: all capabilities, new rights, all files but those below `readable`
 * (to read and to execute), all system calls but those that are listed, more than `memory` bytes of private memory.
 * Gives the address space that it may have, in bytes. To be called while the process has one thread. -1 with errno, and the name of the step that failed in `step`, when any of this cannot be had: then nothing
 * may be run.
 */
int clues_confine(
    int parent, const char *const *readable, uint64_t memory, int who, uint64_t *address_space,
    const char **step);

/* From now on this process is killed when the other end of the pipe `lifeline` is closed. ESRCH when it is closed already. */
int clues_die_with(int lifeline);

/* Gives a confined process so much address space. */
int clues_limit_address_space(int process, uint64_t size);

/* ------------------------------------------------------------------------------------------------ floating point */

/* How this thread rounds, what it does with denormals and which exceptions trap; not which ones have occurred. */
uint64_t clues_float_control(void);

/* ------------------------------------------------------------------------------------------------ linear algebra */

/* The vectors of this processor: 0 SSE or another architecture's, 1 AVX, 2 AVX2 and FMA, 3 AVX-512 (F, CD, BW, DQ, VL). */
int clues_vector_level(void);

/* Who chose the kernels that OpenBLAS runs. */
enum { CLUES_BLAS_CHOSEN_BY_ITSELF = 0, CLUES_BLAS_CHOSEN_BY_USER = 1, CLUES_BLAS_CHOSEN_BY_CLUES = 2 };

/* OpenBLAS as it runs here; texts are empty where it is not linked. */
typedef struct clues_blas {
  const char *config;  /* as openblas_get_config gives it: name, version, options */
  const char *found;   /* the core whose kernels it took by itself */
  const char *core;    /* the one whose kernels it runs */
  const char *refused; /* the one that was tried and gave wrong products, or null */
  int chooser;
} clues_blas;

/*
 * Lets OpenBLAS run the kernels that this processor is good for, once in a process, and tells which. To be called before any
 * product: an OpenBLAS older than the processor may take it for a Prescott and run its SSE3 kernels (0.3.21 does so for
 * Intel's from 2023 on). Libraries that each hold a copy of this function meet one OpenBLAS, so the host calls it before it
 * lets a plugin work; whoever comes later finds nothing to do.
 */
const clues_blas *clues_prepare_blas(void);

/* The same every time that it is called; the steps of it follow. */
void clues_choose_blas_kernels(clues_blas *report);

/* The core to take instead of `core` on a processor with vectors of this level; null to leave it, as where the user named
   one (`wanted` is not null) or where `core` is not known here. */
const char *clues_better_blas_core(const char *core, int level, const char *wanted);

/* Lets OpenBLAS take the kernels of a core while no other thread uses it. -1 where it cannot choose. */
int clues_take_blas_core(const char *core);

/* Whether products come out right: those of small whole numbers, which are exact. */
int clues_blas_is_right(void);

/* ------------------------------------------------------------------------------------------------- the heap */

/* The bytes that malloc has given out and not got back. */
uint64_t clues_allocated(void);

/* From now on malloc fills new memory with the complement of `pattern`, and freed memory with it; 0 ends that. */
void clues_perturb_heap(uint8_t pattern);

#endif
