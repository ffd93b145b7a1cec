/*
 * OpenBLAS starts its threads and takes memory for them while it is loaded, before main. Without room for that memory it
 * tries again for ever, and without a thread it sends itself SIGINT. The program's .preinit_array is the one place that runs
 * before that.
 */
#define _GNU_SOURCE
#include "clues_startup.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* What OpenBLAS takes for each thread on x86-64 (BUFFER_SIZE), and a stack. */
static const uint64_t for_each_thread = (128 + 8) << 20;

/* What the program itself takes to start. */
static const uint64_t for_the_rest = 64 << 20;

static struct sigaction before;

static _Noreturn void fail(const char *text) {
  size_t rest = strlen(text);
  while (rest > 0) {
    ssize_t count = write(STDERR_FILENO, text, rest);
    if (count <= 0) break;
    text += count;
    rest -= (size_t)count;
  }
  _exit(71);
}

/* The threads that OpenBLAS will start: a number in its variables, else one for each processor. */
static uint64_t blas_threads(char **environment) {
  static const char *names[] = {"OPENBLAS_NUM_THREADS=", "GOTO_NUM_THREADS=", "OMP_NUM_THREADS="};
  for (size_t name = 0; name < sizeof names / sizeof *names; name++) {
    size_t length = strlen(names[name]);
    for (char **entry = environment; entry && *entry; entry++) {
      int count = strncmp(*entry, names[name], length) == 0 ? atoi(*entry + length) : 0;
      if (count > 0) return (uint64_t)count;
    }
  }
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) != 0) return 1;
  int found = CPU_COUNT(&processors);
  return found > 0 ? (uint64_t)found : 1;
}

static void no_thread(int number, siginfo_t *info, void *context) {
  (void)context;
  if (info->si_code == SI_TKILL && info->si_pid == getpid())
    fail("error: the system gives no thread to compute with\n"
         "  help: end other programs, raise the limit on processes (ulimit -u), or set OPENBLAS_NUM_THREADS=1\n");
  _exit(128 + number);
}

static void look_ahead(int count, char **arguments, char **environment) {
  (void)count;
  (void)arguments;
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    /* The first thread takes its own when it computes. */
    uint64_t size = (blas_threads(environment) - 1) * for_each_thread + for_the_rest;
    void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
      fail("error: the limit on memory (ulimit -v) leaves no room to compute in\n"
           "  help: raise it, by 140 MB for each processor, or set OPENBLAS_NUM_THREADS=1\n");
    munmap(room, size);
  }
  struct sigaction action = {.sa_sigaction = no_thread, .sa_flags = SA_SIGINFO};
  if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == SIG_DFL) sigaction(SIGINT, &action, NULL);
}

/* After the constructors of all libraries. */
__attribute__((constructor)) static void give_back(void) {
  struct sigaction present;
  if (sigaction(SIGINT, NULL, &present) == 0 && present.sa_sigaction == no_thread) sigaction(SIGINT, &before, NULL);
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = look_ahead;
