/* Does what no plugin may, as its parameter says; answers 1 when it got away with it, and 0 when it was stopped. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clues_plugin.h"

/* Runs as soon as the library is loaded: leaves a mark for whoever wants to know. */
__attribute__((constructor)) static void leave_a_mark(void) {
  const char *path = getenv("ROGUE_MARK");
  int file = path ? open(path, O_CREAT | O_WRONLY, 0600) : -1;
  if (file >= 0) close(file);
}

typedef struct {
  const clues_host *host;
  char deed[24];
  char path[512];
} rogue;

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)method;
  rogue *self = calloc(1, sizeof *self);
  if (!self) return CLUES_OUT_OF_MEMORY;
  self->host = host;
  for (uint32_t i = 0; i < parameters->count; i++) {
    const clues_parameter *p = parameters->items[i];
    if (strcmp(p->name, "deed") == 0) strncpy(self->deed, p->text, sizeof self->deed - 1);
    if (strcmp(p->name, "path") == 0) strncpy(self->path, p->text, sizeof self->path - 1);
  }
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

static int opens(const char *path, int flags) {
  int file = open(path, flags, 0600);
  if (file >= 0) close(file);
  return file >= 0;
}

static void *nothing(void *argument) { return argument; }

static int maps(int flags) {
  return mmap(NULL, 1 << 21, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
}

/* Fills memory and lets go of the right to write to it: a limit on what can be written forgets it then. */
static int hides_memory(void) {
  for (int i = 0; i < 16; i++) {
    size_t size = 64 << 20;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return 0;
    memset(block, 1, size);
    if (mprotect(block, size, PROT_READ) != 0) return 0;
  }
  return 1;
}

/* A system call that must be refused. */
static int calls(long number, long first, long second, long third) {
  return syscall(number, first, second, third, 0, 0, 0) >= 0;
}

/* Whether the deed was done. */
static int attempt(const rogue *self, const clues_merge_unit *unit) {
  const char *deed = self->deed;
  if (strcmp(deed, "nothing") == 0) return 1;
  if (strcmp(deed, "create-file") == 0) return opens(self->path, O_CREAT | O_WRONLY);
  if (strcmp(deed, "append-file") == 0) return opens(self->path, O_WRONLY | O_APPEND);
  if (strcmp(deed, "read-file") == 0) return opens(self->path, O_RDONLY);
  if (strcmp(deed, "remove-file") == 0) return unlink(self->path) == 0;
  if (strcmp(deed, "rename-file") == 0) return rename(self->path, "/tmp/elsewhere") == 0;
  if (strcmp(deed, "chmod-file") == 0) return chmod(self->path, 0777) == 0;
  if (strcmp(deed, "list-folder") == 0) return opens(self->path, O_RDONLY | O_DIRECTORY);
  if (strcmp(deed, "tcp") == 0) return socket(AF_INET, SOCK_STREAM, 0) >= 0;
  if (strcmp(deed, "udp") == 0) return socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
  if (strcmp(deed, "unix-socket") == 0) return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
  if (strcmp(deed, "fork") == 0) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
    return child > 0;
  }
  if (strcmp(deed, "exec") == 0) {
    char *const arguments[] = {"true", NULL};
    execv("/bin/true", arguments);
    return 0;
  }
  if (strcmp(deed, "signal-parent") == 0) return kill(getppid(), 0) == 0;
  if (strcmp(deed, "trace-parent") == 0) return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
  if (strcmp(deed, "outlive-parent") == 0) return prctl(PR_SET_PDEATHSIG, 0) == 0;
  if (strcmp(deed, "raise-limit") == 0) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_DATA, &limit) == 0;
  }
  if (strcmp(deed, "allocate") == 0) {
    for (int i = 0; i < 64; i++) {
      char *block = malloc(64 << 20);
      if (!block) return 0;
      memset(block, 1, 64 << 20);
    }
    return 1;
  }
  if (strcmp(deed, "shared-memory") == 0)
    return mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
  if (strcmp(deed, "memory-file") == 0) return memfd_create("x", 0) >= 0;
  if (strcmp(deed, "message-queue") == 0) return mq_open("/clues-rogue", O_CREAT | O_RDWR, 0600, NULL) >= 0;
  if (strcmp(deed, "unprotect-input") == 0) {
    uintptr_t page = (uintptr_t)unit->inputs[0]->value->data & ~(uintptr_t)4095;
    return mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) == 0;
  }
  if (strcmp(deed, "environment") == 0) return getenv("HOME") != NULL || getenv("PATH") != NULL;
  if (strcmp(deed, "descriptors") == 0) {
    /* Beside standard ones, the channel and the lifeline: memory files of the host, and nothing else. */
    for (int file = 5; file < 64; file++) {
      char name[64], target[256] = "";
      snprintf(name, sizeof name, "/proc/self/fd/%d", file);
      ssize_t length = readlink(name, target, sizeof target - 1);
      if (length > 0 && strncmp(target, "/memfd:", 7) != 0) return 1;
    }
    return 0;
  }
  if (strcmp(deed, "grow-down") == 0) return maps(MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_STACK);
  if (strcmp(deed, "huge-pages") == 0) return maps(MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
  if (strcmp(deed, "locked-memory") == 0) return maps(MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED);
  if (strcmp(deed, "lock-memory") == 0) return mlock(self, 1) == 0;
  if (strcmp(deed, "stack-downwards") == 0) {
    uintptr_t page = (uintptr_t)&self & ~(uintptr_t)4095;
    return mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_GROWSDOWN) == 0;
  }
  if (strcmp(deed, "system-v-memory") == 0) return shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0;
  if (strcmp(deed, "hide-memory") == 0) return hides_memory();
  if (strcmp(deed, "secret-memory") == 0) return calls(447, 0, 0, 0);
  if (strcmp(deed, "user-faults") == 0) return calls(SYS_userfaultfd, 0, 0, 0);
  if (strcmp(deed, "ring") == 0) {
    char parameters[256] = {0};
    return calls(425, 4, (long)parameters, 0);
  }
  if (strcmp(deed, "pipe") == 0) {
    int ends[2];
    return pipe(ends) == 0;
  }
  if (strcmp(deed, "pipe-size") == 0) return fcntl(2, 1031 /* F_SETPIPE_SZ */, 1 << 20) >= 0;
  if (strcmp(deed, "signal-me-later") == 0) return fcntl(3, F_SETOWN, getppid()) == 0;
  if (strcmp(deed, "lifeline") == 0)
    return close(4) == 0 || dup2(0, 4) == 4 || fcntl(4, F_SETFL, 0) == 0 || fcntl(4, 10 /* F_SETSIG */, 0) == 0;
  if (strcmp(deed, "inotify") == 0) return inotify_init() >= 0;
  if (strcmp(deed, "fanotify") == 0) return fanotify_init(FAN_CLASS_NOTIF, O_RDONLY) >= 0;
  if (strcmp(deed, "epoll") == 0) return epoll_create(1) >= 0;
  if (strcmp(deed, "eventfd") == 0) return eventfd(0, 0) >= 0;
  if (strcmp(deed, "timerfd") == 0) return timerfd_create(CLOCK_MONOTONIC, 0) >= 0;
  if (strcmp(deed, "alarm") == 0) {
    struct itimerval soon = {{0, 0}, {1000, 0}};
    return setitimer(ITIMER_REAL, &soon, NULL) == 0;
  }
  if (strcmp(deed, "io-priority") == 0) return calls(SYS_ioprio_set, 1, 0, 3 << 13);
  if (strcmp(deed, "priority") == 0) return setpriority(PRIO_PROCESS, 0, 1) == 0;
  if (strcmp(deed, "scheduling") == 0) {
    struct sched_param none = {0};
    return sched_setparam(0, &none) == 0 || sched_setscheduler(0, SCHED_BATCH, &none) == 0;
  }
  if (strcmp(deed, "affinity") == 0) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && sched_setaffinity(0, sizeof set, &set) == 0;
  }
  if (strcmp(deed, "other-user") == 0) {
    setfsuid(12345);
    if (setfsuid(-1) == 12345) return 1;
    return setuid(12345) == 0 || setgid(12345) == 0 || setresuid(1, 1, 1) == 0 || calls(SYS_setgroups, 0, 0, 0);
  }
  if (strcmp(deed, "capabilities") == 0) {
    uint32_t header[2] = {0x20080522, 0}, sets[6];
    return calls(SYS_capget, (long)header, (long)sets, 0) || prctl(PR_CAPBSET_READ, 0, 0, 0, 0) == 1;
  }
  if (strcmp(deed, "keyring") == 0) return calls(SYS_keyctl, 1, 0, 0) || calls(SYS_add_key, 0, 0, 0);
  if (strcmp(deed, "namespace") == 0) return unshare(CLONE_NEWUSER) == 0;
  if (strcmp(deed, "session") == 0) return setsid() >= 0 || setpgid(0, getppid()) == 0;
  if (strcmp(deed, "own-filter") == 0) return calls(SYS_seccomp, 0, 0, 0) || prctl(PR_SET_SECCOMP, 1) == 0;
  if (strcmp(deed, "dumpable") == 0) return prctl(PR_SET_DUMPABLE, 0) == 0;
  if (strcmp(deed, "tracer") == 0) return prctl(PR_SET_PTRACER, -1) == 0;
  if (strcmp(deed, "folder") == 0) return chdir("/usr/lib") == 0;
  if (strcmp(deed, "unknown-call") == 0) return calls(4000, 0, 0, 0);
#if defined(__x86_64__)
  if (strcmp(deed, "x32") == 0) return calls(0x40000000 + SYS_getpid, 0, 0, 0);
#endif
  if (strcmp(deed, "clone3") == 0) {
    uint64_t arguments[11] = {CLONE_VM};
    return calls(435, (long)arguments, sizeof arguments, 0);
  }
  if (strcmp(deed, "thread") == 0) {
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
  }
  return -1;
}

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  const rogue *self = instance;
  const char *deed = self->deed;
  self->host->log(self->host, CLUES_LOG_INFO, "about to do it");
  if (strcmp(deed, "crash") == 0) *(volatile int *)8 = 1;
  if (strcmp(deed, "abort") == 0) abort();
  if (strcmp(deed, "exit") == 0) exit(0);
  if (strcmp(deed, "leave") == 0) _exit(7);
  if (strcmp(deed, "loop") == 0) for (volatile int i = 0;; i++) continue;
  if (strcmp(deed, "deaf") == 0) for (;;) pause();
  if (strcmp(deed, "slip-away") == 0) {
    /* Whatever takes back the signal of the parent's death, or closes what else would tell. */
    setfsuid(12345);
    setfsuid(0);
    prctl(PR_SET_PDEATHSIG, 0);
    fcntl(4, F_SETFL, 0);
    for (int file = 4; file < 64; file++) close(file);
    for (;;) pause();
  }
  if (strcmp(deed, "log") == 0) for (;;) self->host->log(self->host, CLUES_LOG_WARNING, "again and again");
  if (strcmp(deed, "log-much") == 0) {
    char line[64];
    for (int i = 0; i < 100000; i++) {
      snprintf(line, sizeof line, "line %d", i);
      self->host->log(self->host, i % 2 ? CLUES_LOG_WARNING : CLUES_LOG_DEBUG, line);
    }
  }
  if (strcmp(deed, "flood") == 0) {
    /* Lines of a log, past the functions of the host. */
    uint64_t message[4] = {4 | 2ull << 32, 0, 0, 0x2020202020202020};
    for (;;)
      if (write(3, message, sizeof message) < 0) pause();
  }
  if (strcmp(deed, "flood-stderr") == 0) for (;;) fputs("nobody reads this, and it never ends\n", stderr);
  if (strcmp(deed, "byte-by-byte") == 0) {
    uint64_t message[3] = {2, 0, 0};
    for (size_t place = 0; place < sizeof message; place++)
      if (write(3, (char *)message + place, 1) < 0) pause();
    for (;;) pause();
  }
  if (strcmp(deed, "empty-message") == 0) {
    if (send(3, "", 0, 0) < 0) sendmsg(3, &(struct msghdr){0}, 0);
    for (;;) pause();
  }
  if (strcmp(deed, "deaf-liar") == 0) {
    /* Says that the next calls are done, too, and reads none of them. */
    uint64_t message[3] = {2, 0, 0};
    for (;;)
      if (write(3, message, sizeof message) < 0) pause();
  }
  if (strcmp(deed, "long-error") == 0) {
    size_t size = 256 << 20;
    char *text = malloc(size);
    if (!text) abort();
    memset(text, 'x', size);
    text[size - 1] = 0;
    self->host->set_error(self->host, text);
    free(text);
    return CLUES_INTERNAL;
  }
  if (strncmp(deed, "say-", 4) == 0) {
    self->host->set_error(self->host, "no\n  help: run this\x1b[2J; --isolation none");
    return (clues_status)atoi(deed + 4);
  }
  if (strcmp(deed, "forge-failure") == 0) {
    /* A failure of another kind, with advice of its own. */
    static const char words[] = "\3\0\0\0\x4d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0trust me\0run this";
    if (write(3, words, sizeof words - 1) < 0) abort();
    for (;;) pause();
  }
#if defined(__x86_64__)
  /* A system call of 32-bit programs. */
  if (strcmp(deed, "foreign-call") == 0) __asm__ volatile("int $0x80" : : "a"(20) : "memory");
#endif
  if (strcmp(deed, "polite") == 0) {
    while (!self->host->is_cancelled(self->host)) usleep(1000);
    self->host->set_error(self->host, "stopped");
    return CLUES_CANCELLED;
  }
  if (strcmp(deed, "write-input") == 0) ((float *)unit->inputs[0]->value->data)[0] = 42;
  if (strcmp(deed, "overrun-output") == 0) memset(output->data, 1, 1 << 30);
  if (strcmp(deed, "murmur") == 0) {
    fputs("this is heard\n", stderr);
    fflush(stderr);
    abort();
  }
  if (strcmp(deed, "chatter") == 0)
    for (int i = 0; i < 100000; i++) fputs("a line that nobody reads, again and again and again\n", stdout);
  if (strcmp(deed, "close-channel") == 0) {
    for (int file = 0; file < 64; file++) close(file);
    for (;;) pause();
  }
  if (strcmp(deed, "forge") == 0) {
    /* Tells the host that the call is done, with more than there is. */
    uint64_t message[3] = {2, 1ull << 40, 0};
    if (write(3, message, sizeof message) < 0) abort();
    for (;;) pause();
  }
  if (strcmp(deed, "babble") == 0) {
    if (write(3, "?", 1) < 0) abort();
    for (;;) pause();
  }
  memset(output->data, 0, (size_t)(output->shape[0] * output->shape[1]) * sizeof(float));
  ((float *)output->data)[0] = (float)attempt(self, unit);
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "rogue",
    .summary = "Does what no plugin may.",
    .details = "A formula:\n\n    f = \033[31m1\n    g = 2",
    .parameters = "{\"deed\": {\"type\": \"string\", \"description\": \"What.\\n  standing trusted\", \"default\": \"nothing\"}, "
                  "\"path\": {\"type\": \"string\", \"default\": \"/\"}}",
};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .minimum_inputs = 1,
    .spaces = CLUES_SPACE_DELTA | CLUES_SPACE_CORE | CLUES_SPACE_FACTORS,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1u << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .merge = merge,
};
static const clues_merge_method *const methods[] = {&method};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "rogue",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

CLUES_EXPORT const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
